"""Observers: they watch the loop while it runs (-v, --slow, --trace), attached from outside.

No line of the core knows of them. During a run, `instrument` wraps the methods where something
happens, and makes an event of each call; an observer is a callable that gets the events. They may
import reactor, connection, protocol and edges/. Only the options above import them.
"""
