"""The sentences that a learner reads about each row; they are in words.toml."""

import tomllib
from pathlib import Path
from typing import NamedTuple


class Entry(NamedTuple):
    """The sentences for one row: what the attack does, what is wanted, and three hints."""

    does: str
    wanted: str
    hint1: str
    hint2: str
    hint3: str

    @property
    def hints(self) -> tuple[str, str, str]:
        """The three hints, each clearer than the one before."""
        return self.hint1, self.hint2, self.hint3


def _load(path: Path) -> dict[str, Entry]:
    entries = tomllib.loads(path.read_text(encoding="utf-8")).items()
    return {name: Entry(**words) for name, words in entries}


TABLE = _load(Path(__file__).with_name("words.toml"))
