"""The sentences on what is watched, on states, and on ends: invariants 3, 4 and 5.

Owns what is true of connections, whatever bytes they carry. Called by invariants.py, like
brackets.py.
"""

from collections.abc import Iterator
from enum import Enum

from lab.tracing.events import Event, shown
from protocol import CLIENT_TRANSITIONS, SERVER_TRANSITIONS, ClientState, ServerState

Steps = dict[tuple[str, str], str]

# What a connection may wait for while the loop sleeps, by its state. A server that sends does not
# read; while it pauses (--pause) it waits for nothing but time.
MAY_WAIT_FOR: dict[str, dict[Enum, tuple[str, ...]]] = {
    "server": {
        ServerState.HELLO_SENT: ("r", "rw"),
        ServerState.SENDING: ("w", ""),
        ServerState.DONE: ("r",),
    },
    "client": {
        ClientState.CONNECTING: ("w",),
        ClientState.HELLO_EXPECTED: ("r",),
        ClientState.RECEIVING: ("r", "rw"),
        ClientState.DONE: ("r", "rw"),
    },
}
TO_THE_END = ("signals", "console")  # are watched for as long as there is a loop
CALLS = {"on_readable": "r", "on_writable": "w"}


def steps(role: str) -> Steps:
    """Return the legal transitions of this role, by names."""
    table = SERVER_TRANSITIONS if role == "server" else CLIENT_TRANSITIONS
    return {(was.name, now.name): why for (was, now), why in table.items()}


class Interest:
    """3. The trace knows what is watched. Each change of an interest begins where the last one
    ended, and select has the right number of watched objects. An object that wakes the loop was
    watched for that, and the loop calls only objects that are ready and still wait for it at that
    moment. And what a connection waits for follows from its state.
    """

    def __init__(self) -> None:
        self.watched: dict[str, str] = {}  # object: what it is watched for
        self.ready: dict[str, str] = {}
        self.changed: set[str] = set()  # since the last select: of ten thousand, a few
        self.states: dict[str, str] = {}  # of the open connections
        self.may_wait: dict[str, tuple[str, ...]] = {}
        self.depth = 0

    def see(self, event: Event) -> Iterator[str]:
        match event.ev:
            case "run":
                table = MAY_WAIT_FOR[event["role"]]
                self.may_wait = {state.name: interests for state, interests in table.items()}
            case "open" | "state" | "close":
                self.follow(event)
            case "watch":
                yield from self.change(event)
            case "select":
                yield from self.asleep(event)
            case "wake":
                yield from self.woken(event)
            case "call" | "done":
                yield from self.called(event)

    def follow(self, event: Event) -> None:
        """Note the states of the open connections. A name that is used again starts afresh."""
        self.changed.add(event.on)
        if event.ev == "open":
            self.watched.pop(event.on, None)
            self.states[event.on] = event["state"]
        elif event.ev == "state":
            self.states[event.on] = event["now"]
        else:
            self.states.pop(event.on, None)

    def change(self, event: Event) -> Iterator[str]:
        was = self.watched.get(event.on, "")
        if event["was"] != was:
            yield f'{event.on} was watched for "{was}", and not for "{event["was"]}"'
        if event["was"] == event["now"]:
            yield f'{event.on} is watched for "{event["now"]}" as before: no change'
        self.changed.add(event.on)
        self.watched[event.on] = event["now"]
        if not event["now"]:
            del self.watched[event.on]

    def asleep(self, event: Event) -> Iterator[str]:
        self.depth = 0
        if event["fds"] != len(self.watched):
            yield f"select watches {event['fds']} files, and the trace has {len(self.watched)}"
        for name in sorted(self.changed & self.states.keys()):
            state = self.states[name]
            allowed = self.may_wait.get(state)
            interest = self.watched.get(name, "")
            if allowed is not None and interest not in allowed:
                meant = " or ".join(f'"{one}"' for one in allowed)
                yield f'{name} in {state} waits for "{interest}", expected {meant}'
        self.changed.clear()

    def woken(self, event: Event) -> Iterator[str]:
        self.ready = dict(event["ready"])
        if len(self.ready) < len(event["ready"]):
            yield "somebody is ready twice"
        for name, events in event["ready"]:
            watched = self.watched.get(name, "")
            if not set(events) <= set(watched):
                yield f'{name} is ready for "{events}", and watched for "{watched}"'

    def called(self, event: Event) -> Iterator[str]:
        """Judge a call that the loop itself made: calls inside it are the handler's own."""
        letter = CALLS.get(event["cb"].rpartition(".")[2])
        if event.ev == "call" and self.depth == 0 and event.k and letter:
            if letter not in self.ready.get(event.on, ""):
                yield f'{event["cb"]} of {event.on}, which is not ready for "{letter}"'
            elif letter not in self.watched.get(event.on, ""):
                yield f'{event["cb"]} of {event.on}, which no longer waits for "{letter}"'
        self.depth = max(0, self.depth + (1 if event.ev == "call" else -1))

    def finish(self) -> Iterator[str]:
        for name, interest in self.watched.items():
            if name not in TO_THE_END:
                yield f'the end, and {name} is still watched for "{interest}"'


class LegalSteps:
    """4. A connection begins in the first state and makes only the transitions in the table of
    protocol.py, each for the reason in the table; and the server counts as done only connections
    that are DONE.
    """

    def __init__(self) -> None:
        self.role = ""
        self.steps: Steps = {}
        self.states: dict[str, str] = {}

    def see(self, event: Event) -> Iterator[str]:
        match event.ev:
            case "run":
                self.role = event["role"]
                self.steps = steps(self.role)
            case "open":
                yield from self.begun(event)
            case "state":
                yield from self.moved(event)
            case "close":
                state = self.states.pop(event.on, "DONE")
                if self.role == "server" and event["how"] == "done" and state != "DONE":
                    yield f"{event.on} is closed as done in {state}"

    def begun(self, event: Event) -> Iterator[str]:
        first = next(iter(self.steps))[0]
        self.states[event.on] = event["state"]
        if event["state"] != first:
            yield f"{event.on} begins in {event['state']}, expected {first}"

    def moved(self, event: Event) -> Iterator[str]:
        step = (event["was"], event["now"])
        state = self.states.get(event.on, event["was"])
        if event["was"] != state:
            yield f"{event.on} leaves {event['was']}, and it is in {state}"
        if step not in self.steps:
            yield f"{event.on} goes from {step[0]} to {step[1]}: there is no such transition"
        elif event["why"] != self.steps[step]:
            yield f"{event.on} goes to {step[1]} because {shown(event['why'])}"
        self.states[event.on] = event["now"]

    def finish(self) -> Iterator[str]:
        yield from ()


class Ends:
    """5. The end is the end. After its close a connection only tidies up (a deadline is cancelled,
    a call returns). It is closed once, and has left the selector before, since its descriptor may
    be used again at once. To act on a closed connection is the classic bug of event loops.
    Deadlines end, too: a deadline that fires was set, was neither cancelled nor fired before, and
    does not fire early.
    """

    BOOKKEEPING = ("done", "error")

    def __init__(self) -> None:
        self.open: set[str] = set()
        self.closed: dict[str, int] = {}  # connection: the number of the event that closed it
        self.watched: dict[str, str] = {}
        self.deadlines: dict[str, dict[str, Event]] = {}  # object: deadline: the event that set it
        self.leavers: set[str] = set()  # connections that were closed since the last select
        self.timeout: float | None = None  # of the latest select; 0: a deadline has passed

    def see(self, event: Event) -> Iterator[str]:
        if event.on in self.closed and event.ev != "open":
            yield from self.after_close(event)
        match event.ev:
            case "open":
                yield from self.opened(event)
            case "watch":
                self.watched[event.on] = event["now"]
            case "rx" | "tx" | "state" | "half" | "close":
                yield from self.lives(event)
            case "timer":
                yield from self.timed(event)
            case "select":
                self.timeout = event["timeout_ms"]
                yield from self.leftovers()

    def after_close(self, event: Event) -> Iterator[str]:
        cancels = event.ev == "timer" and event["op"] == "cancel"
        if not cancels and event.ev not in self.BOOKKEEPING:
            what = f"timer {event['op']}" if event.ev == "timer" else event.ev
            yield f"{what} of {event.on}, which was closed in event {self.closed[event.on]}"

    def opened(self, event: Event) -> Iterator[str]:
        if event.on in self.open:
            yield f"{event.on} is opened, and it is open already"
        self.closed.pop(event.on, None)
        self.watched.pop(event.on, None)
        self.open.add(event.on)

    def lives(self, event: Event) -> Iterator[str]:
        """Bytes, states and ends belong to a connection that was opened."""
        if event.on not in self.open and event.on not in self.closed:
            yield f"{event.ev} of {event.on}, which was never opened"
        if event.ev == "close":
            if self.watched.get(event.on):
                yield f'{event.on} is closed while it is watched for "{self.watched[event.on]}"'
            self.open.discard(event.on)
            self.closed[event.on] = event.n
            self.leavers.add(event.on)

    def timed(self, event: Event) -> Iterator[str]:
        deadlines = self.deadlines.setdefault(event.on, {})
        if event["op"] == "set":
            deadlines[event["what"]] = event
            return
        since = deadlines.pop(event["what"], None)
        if since is None:
            yield f"{event['op']} of {event['what']} of {event.on}, which is not set"
        elif event["op"] == "fire" and self.timeout != 0 and since.k < event.k:
            yield f"{event['what']} of {event.on} fires early: select was still to wait for it"

    def leftovers(self) -> Iterator[str]:
        """No deadline outlives the turn in which its connection was closed."""
        for name in sorted(self.leavers & self.closed.keys()):
            for what in self.deadlines.pop(name, {}):
                yield f"{what} of {name} is still set, and {name} is closed"
        self.leavers.clear()

    def finish(self) -> Iterator[str]:
        for name in sorted(self.open):
            yield f"the end, and {name} is not closed"
        yield from self.leftovers()
