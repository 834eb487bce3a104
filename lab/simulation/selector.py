"""The selector of a host: level-triggered, with all the liberties that the kernel has.

It may report a socket that is not ready, leave out one that is, wake up for nothing, and report in
any order. Time passes only while a host sleeps in here (`Host.sleep`).
"""

import selectors
from collections.abc import Mapping
from typing import Any

from reactor import Ready


class FakeSelector(selectors.BaseSelector):
    """The selector that the reactor gets."""

    def __init__(self, host: Any) -> None:
        self.host = host
        self.world = host.world
        self.keys: dict[int, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: object = None) -> selectors.SelectorKey:
        fileobj.enter("register")
        if fileobj.number < 0:
            raise ValueError(f"invalid file descriptor: {fileobj.number}")
        if fileobj.number in self.keys:
            raise KeyError(f"{fileobj.number} is already registered")
        return self.remember(fileobj, events, data)

    def modify(self, fileobj: Any, events: int, data: object = None) -> selectors.SelectorKey:
        if fileobj.number not in self.keys:
            raise KeyError(f"{fileobj.name} is not registered")
        try:
            fileobj.enter("modify")
        except Exception:
            del self.keys[fileobj.number]  # as the standard selectors do
            raise
        return self.remember(fileobj, events, data)

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        if fileobj.number not in self.keys:
            raise KeyError(f"{fileobj.name} is not registered")
        try:
            fileobj.enter("unregister")
        except OSError:
            pass  # as the standard selectors do
        fileobj.moved()
        return self.keys.pop(fileobj.number)

    def remember(self, fileobj: Any, events: int, data: object) -> selectors.SelectorKey:
        fileobj.moved()
        key = selectors.SelectorKey(fileobj, fileobj.number, events, data)
        self.keys[fileobj.number] = key
        return key

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return {key.fileobj: key for key in self.keys.values()}

    def close(self) -> None:
        self.keys.clear()

    def ready(self) -> Ready:
        """Return the keys that are truly ready."""
        found = []
        for key in self.keys.values():
            events = key.fileobj.events() & key.events
            if events:
                found.append((key, events))
        return found

    def select(self, timeout: float | None = None) -> Ready:
        ready = self.host.sleep(timeout)
        if len(ready) > 1 and self.world.knobs.disorder:
            ready = self.disordered(ready)
        for key, _ in ready:
            sock = key.fileobj
            if sock.seen_idle:  # it would be reported for ever
                self.world.violation(f"{sock.name} is ready, and nobody does anything: a spin")
            sock.seen_idle = True
        return self.exaggerated(ready) if self.world.knobs.spurious else ready

    def disordered(self, ready: Ready) -> Ready:
        """Return some of the ready keys, in any order."""
        below = self.world.chance.below
        if not self.world.chance.maybe(self.world.knobs.disorder):
            return ready
        count = len(ready) - below(len(ready))
        return [ready.pop(below(len(ready))) for _ in range(count)]

    def exaggerated(self, ready: Ready) -> Ready:
        """Return the ready keys, and perhaps before them one that is not ready."""
        if not self.world.chance.maybe(self.world.knobs.spurious):
            return ready
        self.host.idle_turns = 0
        true = [key for key, _ in ready]
        false = [key for key in self.keys.values() if key not in true and key.fileobj.may_lie()]
        if not false:
            return ready
        key = false[self.world.chance.below(len(false))]
        return [(key, key.events), *ready]
