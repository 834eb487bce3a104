"""The places in the picture of a run: one lane for the loop, and one for each object it calls.

Owns places from left to right; lanes.py draws. Called by it alone.

              asleep       turn 1           asleep        turn 2
    loop      z 92 ms  [          ]         z 3 ms    [          ]
    listener    (r)    [ +  ]                 r
    c1                     [ ^ ]             (r)      [ v  ^  -| ]
                           HELLO_SENT ----------------- SENDING DONE ----

The picture shows order, not time: in a run of a second the loop works for some milliseconds, so on
an axis of time one would see only sleep. The length of the sleep is written there instead. Each gap
shows what the selector watches (r, w); the sockets that wake the loop are filled. Each mark has a
place of its own, so a mark further left was earlier.

The same trace gives the same bytes, so that a test can draw the picture of the README again.
"""

from collections import Counter
from dataclasses import dataclass, field

from lab.tracing.events import Event, Trace

MOST_TURNS, MOST_LANES = 200, 40  # that are drawn; a reader cannot use more
GAP, SLOT, PAD = 44, 25, 6  # widths: of a sleep, of a mark, of a turn beside its marks
LETTER = 7  # width of one, in a name


@dataclass(slots=True)
class Column:
    """A stretch of the loop: asleep, in a turn, or before and after all turns."""

    kind: str  # "asleep", "turn" or "outside"
    k: int
    x: int
    end: int = 0
    slept: int = 0  # microseconds
    watched: dict[str, str] = field(default_factory=dict)
    ready: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Box:
    """A call: the object that is called, and its place."""

    on: str
    cb: str
    caller: str  # the object in whose call it is; "": the loop
    x: int
    end: int = 0


@dataclass(slots=True)
class Band:
    """A state of a connection, and its place."""

    on: str
    state: str
    x: int
    end: int = 0
    how: str = ""  # it was closed, if it was closed in this state


@dataclass(slots=True)
class Mark:
    """Something that a connection or a listener did, with the word below it."""

    on: str
    glyph: str
    word: str
    x: int  # of its middle


class Layout:
    """Puts the events number `first` to `last` of a trace in their places, from left to right.

    Earlier events are not drawn, but they count: for what is watched, open calls, and states.
    """

    def __init__(self, trace: Trace, first: int = 1, last: int | None = None) -> None:
        names = {event.on for event in trace.events if event.ev in ("call", "open")}
        self.left = self.x = 26 + LETTER * max([8, *map(len, names)])
        self.columns: list[Column] = []
        self.boxes: list[Box] = []
        self.bands: list[Band] = []
        self.marks: list[Mark] = []
        self.lanes: list[str] = []  # in the order in which they were first called or opened
        self.used: set[str] = set()  # lanes in which something happens
        self.calls: list[Box] = []  # that are open
        self.states: dict[str, Band] = {}  # of the connections that are open
        self.watched: dict[str, str] = {}
        self.asleep_at = 0
        self.fired = False  # the next call is a deadline's
        self.turns = Counter(event.ev for event in trace.events)["select"]
        self.places: dict[int, int] = {}  # of each event, by its number in the file
        beyond = 0  # the first turn that is not drawn
        for n, event in enumerate(trace.events[:last], 1):
            if n == first:
                self.begin_here()
                beyond = max(event.k, 1) + MOST_TURNS
            if n < first or event.k < beyond:
                self.place(event)
                self.places[n] = self.head(event)
        self.finish()

    def begin_here(self) -> None:
        """Forget the places so far; what is still open begins at the left edge."""
        self.x = self.left
        self.marks, self.boxes, self.bands, self.places = [], [], [], {}
        self.columns = [column for column in self.columns[-1:] if not column.end]
        for box in self.calls:
            box.x = self.x
        for band in self.states.values():
            band.x = self.x
        for column in self.columns:
            column.x = self.x
            self.x += GAP if column.kind == "asleep" else PAD
        self.used = {box.on for box in self.calls}

    def head(self, event: Event) -> int:
        """Return the place of the player's head at this event, which has just been placed."""
        if event.ev == "select":
            return self.x - GAP // 2
        if self.marks and self.marks[-1].x == self.x - SLOT // 2:
            return self.marks[-1].x
        return self.x

    def place(self, event: Event) -> None:
        """Put one event in its place."""
        match event.ev:
            case "select":
                self.sleep(event)
            case "wake":
                self.wake(event)
            case "turned":
                self.close_column()
            case "watch":
                self.watched[event.on] = event["now"]
            case "call":
                self.call(event)
            case "done" if self.calls:
                self.come_back()
            case _:
                self.act(event)

    def act(self, event: Event) -> None:
        """Place a mark or a state of one object."""
        match event.ev:
            case "open":
                self.lane(event.on)
                self.mark(self.calls[-1].on if self.calls else event.on, "accept", "")
                self.begin_state(event.on, event["state"])
            case "state":
                self.begin_state(event.on, event["now"])
            case "rx":
                self.mark(event.on, "recv", amount(event, "end"))
            case "tx":
                self.mark(event.on, "send", amount(event, "0"))
            case "half" | "error":
                self.mark(event.on, event.ev, "")
            case "timer" if event["op"] == "fire":
                self.fired = True
            case "close":
                self.mark(event.on, "close", "")
                self.end_state(event.on, event["how"].partition(":")[0][:12])

    def lane(self, on: str) -> None:
        self.used.add(on)
        if on not in self.lanes:
            self.lanes.append(on)

    # --- columns

    def sleep(self, event: Event) -> None:
        self.close_column()
        self.asleep_at = event.t
        watched = {on: interest for on, interest in self.watched.items() if interest}
        self.columns.append(Column("asleep", event.k, self.x, watched=watched))
        self.x += GAP

    def wake(self, event: Event) -> None:
        column = self.columns[-1] if self.columns else None
        if column is not None and column.kind == "asleep":
            column.slept = event.t - self.asleep_at
            column.ready = dict(event["ready"])
            self.used.update(column.ready)
        self.close_column()
        self.open_column("turn", event.k)

    def open_column(self, kind: str, k: int) -> None:
        self.columns.append(Column(kind, k, self.x))
        self.x += PAD

    def column(self) -> None:
        """Make sure that there is a column: something may be done before and after all turns."""
        if not self.columns or self.columns[-1].end:
            self.open_column("outside", self.columns[-1].k if self.columns else 0)

    def close_column(self) -> None:
        if not self.columns or self.columns[-1].end:
            return
        column = self.columns[-1]
        if column.kind != "asleep":
            self.x = max(self.x, column.x + PAD + SLOT) + PAD
        column.end = self.x

    # --- what is in the columns

    def slot(self) -> int:
        """Take the next place; return its middle."""
        self.column()
        self.x += SLOT
        return self.x - SLOT // 2

    def mark(self, on: str, glyph: str, word: str) -> None:
        self.lane(on)
        self.marks.append(Mark(on, glyph, word, self.slot()))

    def call(self, event: Event) -> None:
        self.lane(event.on)
        self.column()
        caller = self.calls[-1].on if self.calls else ""
        self.calls.append(Box(event.on, event["cb"], caller, self.x))
        if self.fired:
            self.mark(event.on, "fire", "")
        self.fired = False

    def come_back(self) -> None:
        """End the latest call; it gets a place even if nothing happened in it."""
        box = self.calls.pop()
        if self.x == box.x:
            self.mark(box.on, "work", "")
        box.end = self.x
        self.boxes.append(box)

    def begin_state(self, on: str, state: str) -> None:
        self.end_state(on)
        self.states[on] = Band(on, state, self.x)

    def end_state(self, on: str, how: str = "") -> None:
        band = self.states.pop(on, None)
        if band is not None:
            band.end, band.how = self.x, how
            self.bands.append(band)

    def finish(self) -> None:
        """Extend what is still open to the right edge."""
        self.close_column()
        for on in list(self.states):
            self.end_state(on)
        while self.calls:
            self.come_back()


def amount(event: Event, nothing: str) -> str:
    """Return the number of bytes, or the word for none."""
    if "again" in event.keys:
        return "later"
    return str(event["bytes"]) if event["bytes"] else nothing
