"""Find sentences that read like a translation: `make lint` runs this on all text and code.

Owns a list of words for which plain English has others. It finds only the worst patterns; a person
who reads the text aloud finds more. To replace the word is not enough: write the sentence again.
EXCEPTIONS lists the places where a pattern is right, with the reason.

    python3 -m lab.english [FILE ...]
"""

import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
KINDS = {".py", ".md", ".js", ".html", ".css", ".sh", ".c", ".h", ".cfg", ".toml", ""}

PATTERNS = {
    r"\b(whoever|whomever|whom)\b": 'name the thing: "a handler that …", "the client that …"',
    r"(^|[,;:] |\b(and|but|so|if|that|for|by|of|to) )who\b(?! (is|are) (who|to blame))": (
        "a noun before `who`"
    ),
    r"\bof ours\b": '"our …"',
    r"\banew\b": '"again"',
    r"\b(tell|tells|telling|told) of\b": '"report"',
    r"\b(is|are|was|were) told\b": '"report", "show", "learn"',
    r"\bbe done with\b": '"finish", "close"',
    r"\bcomes? to (that|this|it)\b": '"happens"',
    r"\b(lies|lay) (there|in|before|behind|beyond|unread)\b": '"is", "waits"',
    r"\bstands? (in|on|at|there|behind|beside|before|above|below)\b": '"is"',
    r"\bas it has it\b": "write the sentence again",
    r"\bso many\b": '"a number of", "that many"',
    r"\boctets?\b": '"bytes"; octets is the word of protocol.md alone',
}

# Files in which a pattern is right.
EXCEPTIONS = {
    "protocol.md": (r"octets?", "the term of the art there; one sentence says that it means byte"),
    "lab/documents/specification.py": (r"octets", "a word of protocol.md, into which it writes"),
    "tests/test_spec.py": (r"octets?", "what protocol.md says"),
    "tests/test_state_tables.py": (r"octets", "an event in the tables of protocol.md"),
    "lab/english.py": (r".*", "the patterns themselves"),
    "tests/test_english.py": (r".*", "what the test must find"),
    "docs/CHANGELOG.md": (r"octets", "an old name, and why there is a new one"),
    "LICENSE": (r".*", "the words of the licence"),
}

# The parts of Python code that people read. From 3.12 on an f-string is several tokens.
PROSE = {tokenize.COMMENT, tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}


class Finding(NamedTuple):
    """One place where a sentence should be written again."""

    path: str
    line: int
    words: str
    advice: str

    def __str__(self) -> str:
        return f'{self.path}:{self.line}: "{self.words}": {self.advice}'


def prose(text: str) -> str:
    """Return Python code with blanks in place of all but comments and strings."""
    lines = [" " * len(line) for line in text.splitlines()]
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type in PROSE:
            for number, part in enumerate(token.string.splitlines(), token.start[0] - 1):
                begin = token.start[1] if number == token.start[0] - 1 else 0
                lines[number] = lines[number][:begin].ljust(begin) + part
    return "\n".join(lines)


def findings(path: str, text: str) -> Iterator[Finding]:
    """Yield what is odd in the `text` of the file at `path`; of code, in comments and strings."""
    allowed, _why = EXCEPTIONS.get(path, ("(?!)", ""))
    if path.endswith(".py"):
        text = prose(text)
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, advice in PATTERNS.items():
            for found in re.finditer(pattern, line, re.IGNORECASE):
                words = found[0].strip(" ,;:")
                if not re.fullmatch(allowed, words, re.IGNORECASE):
                    yield Finding(path, number, words, advice)


def tracked() -> list[str]:
    """Return the files of text and code in the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = listed.stdout.split("\0")
    return [name for name in names if name and Path(name).suffix in KINDS]


def main(names: list[str]) -> int:
    """Print each finding in these files, by default in all; return the exit status."""
    found = [
        finding
        for name in names or tracked()
        for finding in findings(name, (ROOT / name).read_text(errors="replace"))
    ]
    for finding in found:
        print(finding)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
