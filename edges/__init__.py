"""Edges: where the programs touch the outside world. A first reader may leave them for later.

May import the core's protocol, reactor and signals, and one another; `observers/`, which watch a
run from outside, the connection, too.
"""
