"""The edges: where the programs touch the outside world. On a first reading, leave them out.

The modules here may import one another, and protocol, reactor and signals from the core. Those in
observers/, which watch a run from outside, may import connection instead of signals. Only
program.py imports the observers.
"""
