"""The exchanges of tests/vectors as objects: see the README there."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

VECTORS = Path(__file__).resolve().parent / "vectors"


@dataclass(frozen=True)
class Exchange:
    """One exchange: what each end sends, how its stream ends, and what comes of it."""

    name: str
    says: str  # what is remarkable, one sentence
    status: int | None  # exit status of the client; None: no conforming client sends this
    word: str | None  # closing word of the server; None: no conforming server sends this
    client_ends: str  # "at once": after its last octet; "after the server": at the server's end
    server_ends: str  # "end of stream" or "reset"
    client_pieces: tuple[int, ...] = ()  # lengths of the segments, where they are the point

    @cached_property
    def server(self) -> bytes:
        """All octets that the server sends."""
        return (VECTORS / f"{self.name}.server").read_bytes()

    @cached_property
    def client(self) -> bytes:
        """All octets that the client sends."""
        return (VECTORS / f"{self.name}.client").read_bytes()

    @property
    def body(self) -> bytes:
        """The octets after the second LF of the server: the file, where it sends one."""
        return b"".join(self.server.split(b"\n", 2)[2:])


def exchange(entry: dict[str, object]) -> Exchange:
    """Return the exchange of an entry of the index; raise TypeError for an unknown key."""
    if "client_pieces" in entry:
        entry["client_pieces"] = tuple(entry["client_pieces"])  # type: ignore[arg-type]
    return Exchange(**entry)  # type: ignore[arg-type]


EXCHANGES = [exchange(entry) for entry in json.loads((VECTORS / "index.json").read_text())]
BY_NAME = {one.name: one for one in EXCHANGES}
