"""Observers: what watches the loop while it runs (-v, --slow, --trace), attached from outside.

No line of the core knows of them. `instrument` wraps the methods at which something happens, for
the time of a run, and makes an event of each call; an observer is a callable that gets the events.
May import the core's loop (reactor, connection, protocol) and edges/; imported only when asked for.
"""
