"""The chapters of docs/protocol.md, and the rows of the grade that belong to each of them.

A row is an attack of lab/torture. A chapter owns the rows that turn green when the reader has
written its code; a chapter without rows of its own has rows that it must keep green.
"""

TITLES = {
    0: "Why care?",
    1: "What is a server?",
    2: "Why can it not serve two?",
    3: "How can one wait for many?",
    4: "What is an event loop?",
    5: "Where is a client's progress kept?",
    6: "Why did it come in pieces?",
    7: "What if the kernel takes a part?",
    8: 'When do I ask "may I write"?',
    9: "How does a sleeping loop know the time?",
    10: "How do we say goodbye?",
    11: "What can go wrong, and which clients may it hurt?",
    12: "How do I stop it?",
    13: "How many, and what is the limit?",
    14: "The client has a loop too",
    15: "What is await?",
    16: "Questions people ask; where to go on",
}

_STOP = (
    "interrupt",
    "interrupt-backlog",
    "interrupt-stuck",
    "interrupt-twice",
    "terminate",
    "idle-draining",
)
_MESSAGES = ("frozen-terminal", "frozen-pipe", "broken-stderr")

OWN: dict[int, tuple[str, ...]] = {
    4: (
        "connect-and-close",
        "stampede",
        "early-half-close",
        "extra-bytes",
        "urgent",
        "long-stall",
        "idle-listening",
        "idle-hello-sent",
        "idle-half-hello",
        "idle-done",
    ),
    6: ("garbage", "endless"),
    9: ("silent", "drip", "half-hello", "never-reads", "endless-extra", "idle-sending"),
    11: (
        "reset-before-accept",
        "reset-after-connect",
        "reset-mid-hello",
        "reset-after-hello",
        "reset-mid-file",
        "reset-when-done",
    ),
    12: (*_STOP, *_MESSAGES),
    13: ("descriptor-exhaustion", "idle-at-the-cap"),
}

KEPT: dict[int, tuple[str, ...]] = {
    5: OWN[4],
    8: ("idle-listening", "idle-hello-sent", "idle-half-hello", "idle-done"),
    10: ("early-half-close", "extra-bytes", "endless-extra"),
}

HALVES = {"12a": _STOP, "12b": _MESSAGES}

CHAPTER_OF = {name: chapter for chapter, names in OWN.items() for name in names}
ROWS = tuple(CHAPTER_OF)


def rows_of(chapter: str) -> tuple[str, ...]:
    """Return the rows of a chapter, "12" or "12a"; empty if it has none."""
    if chapter in HALVES:
        return HALVES[chapter]
    number = int(chapter)
    return OWN.get(number) or KEPT.get(number, ())


def title(chapter: int) -> str:
    """Return a chapter's name for a reader: its number and its question."""
    return f"chapter {chapter}: {TITLES[chapter]}"
