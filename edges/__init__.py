"""Edges: where the programs touch the outside world. A first reader may leave them for later."""
