"""Edges: where the programs touch the outside world. A first reader may leave them for later.

They may import protocol, reactor and signals from the core, and one another; `observers/`, which
watches a run from outside, may also import connection.
"""
