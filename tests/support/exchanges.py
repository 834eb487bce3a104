"""The exchanges of tests/vectors.json as objects; protocol.md, section 14.1, explains the keys."""

import json
from dataclasses import dataclass
from pathlib import Path

VECTORS = Path(__file__).resolve().parent.parent / "vectors.json"


@dataclass(frozen=True)
class Exchange:
    """One exchange: what each end sends, how its stream ends, and what comes of it."""

    name: str
    says: str  # what is remarkable, one sentence
    server: bytes  # all bytes that the server sends
    client: bytes  # all bytes that the client sends
    status: int | None  # exit status of the client; None: no conforming client sends this
    word: str | None  # closing word of the server; None: no conforming server sends this
    client_ends: str  # "at once": after its last byte; "after the server": at the server's end
    server_ends: str  # "end of stream" or "reset"
    client_pieces: tuple[int, ...] = ()  # lengths of the segments, where they are the point

    @property
    def body(self) -> bytes:
        """The bytes after the second LF of the server: the file, where it sends one."""
        return b"".join(self.server.split(b"\n", 2)[2:])


def exchange(entry: dict[str, object]) -> Exchange:
    """Return the exchange of one entry; raise TypeError for a key that is unknown or missing."""
    for end in ("server", "client"):
        entry[end] = str(entry[end]).encode("latin-1")  # U+0000 to U+00FF: one byte each
    if "client_pieces" in entry:
        entry["client_pieces"] = tuple(entry["client_pieces"])
    return Exchange(**entry)


EXCHANGES = [exchange(entry) for entry in json.loads(VECTORS.read_text("ascii"))]
BY_NAME = {one.name: one for one in EXCHANGES}
