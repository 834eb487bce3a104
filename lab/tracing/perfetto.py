"""A run in the Chrome Trace Event Format, for chrome://tracing and ui.perfetto.dev.

Owns the translation. Called by __main__.py. On an axis of time a small run is one long sleep; this
is for large runs, to find among thousands of calls the one that took too long.

    process    the program             M   names of process and thread
      thread   the loop                X   complete: asleep, and each call, which nest
                                       i   instant: bytes received or sent, in their call
      c1, c2   one track each          b e asynchronous: the connection, and in it its states

States span turns, so they do not nest with calls: so they are asynchronous events, with an id for
each connection. Time is in microseconds in both formats. What a crash left open ends with the
trace.
"""

import json
from typing import Any

from lab.tracing.events import Event, Trace

PROCESS = THREAD = 1
Record = dict[str, Any]


def export(trace: Trace) -> str:
    """Return the trace as a JSON object that those viewers open; one event a line."""
    records = Export(trace).records
    lines = ",\n".join(json.dumps(record, separators=(",", ":")) for record in records)
    return f'{{"displayTimeUnit":"ms","traceEvents":[\n{lines}\n]}}\n'


class Export:
    """Collects the records; a complete event is added when it ends."""

    def __init__(self, trace: Trace) -> None:
        run = trace.events[0]
        self.records: list[Record] = []
        self.name("process_name", f"{run['role']} ({run['selector']})")
        self.name("thread_name", "the loop")
        self.asleep: Event | None = None
        self.calls: list[Event] = []
        self.lives: dict[str, list[str]] = {}  # what is begun of each connection: itself, a state
        self.ids: dict[str, str] = {}  # a name may come again: its number makes it another track
        for event in trace.events:
            self.see(event)
        self.finish(trace.events[-1])

    def see(self, event: Event) -> None:
        match event.ev:
            case "select":
                self.asleep = event
            case "wake" if self.asleep is not None:
                details = {"timeout_ms": self.asleep["timeout_ms"], "ready": event["ready"]}
                self.complete("asleep", "sleep", self.asleep, event, turn=event.k, **details)
                self.asleep = None
            case "call":
                self.calls.append(event)
            case "done" if self.calls:
                self.come_back(event)
            case "rx" | "tx":
                verb = "receives" if event.ev == "rx" else "sends"
                self.instant(f"{event.on} {verb} {event['bytes']}", event, hex=event["hex"])
            case "half" | "error":
                self.instant(f"{event.on} {event.ev}", event)
            case "open" | "state" | "close":
                self.live(event)

    def come_back(self, event: Event) -> None:
        call = self.calls.pop()
        self.complete(call["cb"], "call", call, event, on=call.on, turn=call.k)

    def live(self, event: Event) -> None:
        """Begin and end connections and states, which span turns."""
        if event.ev == "open":
            self.ids[event.on] = f"{event.on} ({event.n})"
            self.begin(event.on, event, peer=event["peer"], fd=event["fd"])
            self.begin(event["state"], event, why="it begins")
        elif event.ev == "state" and self.lives.get(event.on):
            self.end(event)
            self.begin(event["now"], event, why=event["why"])
        else:
            while self.lives.get(event.on):
                self.end(event)

    def finish(self, last: Event) -> None:
        while self.calls:
            self.come_back(last)
        for on in list(self.lives):
            while self.lives[on]:
                self.end(last, on)

    # --- records

    def name(self, kind: str, name: str) -> None:
        self.add("M", kind, 0, args={"name": name})

    def complete(self, name: str, kind: str, first: Event, last: Event, **args: object) -> None:
        self.add("X", name, first.t, dur=last.t - first.t, cat=kind, args=args)

    def instant(self, name: str, event: Event, **args: object) -> None:
        self.add("i", name, event.t, s="t", cat="bytes", args=args)

    def begin(self, name: str, event: Event, **args: object) -> None:
        self.lives.setdefault(event.on, []).append(name)
        self.add("b", name, event.t, cat="connection", id=self.ids[event.on], args=args)

    def end(self, event: Event, on: str = "") -> None:
        on = on or event.on
        name = self.lives[on].pop()
        self.add("e", name, event.t, cat="connection", id=self.ids[on])

    def add(self, phase: str, name: str, t: int, **more: object) -> None:
        self.records.append(
            {"ph": phase, "name": name, "ts": t, "pid": PROCESS, "tid": THREAD, **more}
        )
