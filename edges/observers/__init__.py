"""Observers: they watch the loop while it runs (-v, --slow, --trace), attached from outside.

The core has no line for them. During a run, `instrument` wraps the methods where something happens,
and makes an event of each call. An observer is a callable that gets the events. Observers may
import reactor, connection, protocol and edges/. Only the options above make a program import them.
"""
