"""Turn the complaints of lab/torture, and what a server wrote, into sentences for a learner."""

import re
import signal

_SIGNALS = {2: "Ctrl+C", 15: "SIGTERM"}

# The groups of a pattern are the figures in the sentence; the first pattern that matches is used.
_SENTENCES = (
    (r"the server's hello was b''", "a client that had connected was not greeted within {soon} s"),
    (r"the server's hello was (.*)", r"the server greeted with {0} instead of b'HELLO 1\n'"),
    (r"(\d+) bytes of (\d+), then still open", "a client waited in vain: {0} of {1} bytes came"),
    (r"(\d+) bytes of (\d+), then (.*)", "a client got {0} of {1} bytes, then {2}"),
    (
        r"the whole file, but then still open",
        "the whole file came, but never the end of the stream",
    ),
    (r"the whole file, but then reset", "the whole file came, but then a reset, which is rude"),
    (r"(.*): answered (.*)", "to {0} the server answered {1}"),
    (r"(.*): not refused after ([\d.]+) s", "{0} was not refused: still open after {1} s"),
    (r"still open after ([\d.]+) s", "a connection was still open after {0} s"),
    (r"ended after ([\d.]+) s", "a connection ended after {0} s, too early"),
    (r"answered (.*)", "a client that had not said hello was answered {0}"),
    (
        r"a client heard something while nothing.*",
        "a client heard something while the server should have waited",
    ),
    (
        r"(\d+) good clients lost: still waiting after (\d+) bytes of (\d+)",
        "{waited}, with {1} of {2} bytes",
    ),
    (
        r"(\d+) good clients lost: end of stream after (\d+) bytes of (\d+)",
        "{cut}: the stream ended after {1} of {2} bytes",
    ),
    (
        r"(\d+) good clients lost: ECONNRESET after (\d+) bytes of (\d+)",
        "{cut}: a reset after {1} of {2} bytes",
    ),
    (
        r"(\d+) good clients lost: (?:connect: )?ECONNREFUSED.*",
        "{cut}: nothing listens there any more",
    ),
    (r"(\d+) good clients lost: (.*)", "{cut}: {1}"),
    (
        r"([\d.]+) s of CPU, ([\d.]+) s allowed",
        "{0} s of processor time, where {1} s are enough: the loop is busy with nothing",
    ),
    (r"the server has ended", "the server has ended"),
    (r"gone: Connection refused", "the server's port is closed: nobody can connect any more"),
    (
        r"gone: timed out",
        "a client could not even connect: nobody accepts, and the backlog is full",
    ),
    (r"gone: (.*)", "a client could not go on: {0}"),
    (r"(\d+) descriptors left open", "{0} sockets were left open after the clients had gone"),
    (r"a traceback on stderr", "the server went on, but printed a traceback"),
    (
        r"unescaped bytes on stderr",
        "bytes of a client reached the terminal as they were: print them with ascii() or repr()",
    ),
    (
        r"given up before the deadline",
        "the server closed before the client had ended its stream, and before the deadline",
    ),
    (r"(\d+) still open after the deadline", "{0} connections were still open at the deadline"),
    (r"still open after the deadline", "the connection was still open after its deadline"),
    (r"(\d+) wake-ups in ([\d.]+) s", "the loop woke up {0} times in {1} s with nothing to do"),
    (r"(\d+) wake-ups afterwards", "the loop woke up {0} times afterwards with nothing to do"),
    (r"([\d.]+) ms of CPU in ([\d.]+) s", "{share} % of a processor, with nothing to do"),
    (r"(\d+) % CPU at the descriptor limit", "{0} % of a processor while no descriptor was free"),
    (r"(\d+) lines at the descriptor limit", "{0} lines were printed while no descriptor was free"),
    (
        r"served again after inf .*",
        "the clients that waited were never served, although a descriptor was free again",
    ),
    (r"served again after ([\d.]+) .*", "the clients that waited were served {0} s too late"),
    (r"still accepts connections.*", "{soon} s after Ctrl+C it still accepted new clients"),
    (
        r"exit status -(\d+) instead of (\d+)",
        "{signal} killed the process at once, with every transfer in it",
    ),
    (r"exit status (-?\d+) instead of (\d+)", "the exit status was {0} instead of {1}"),
    (r"exit status -15 after SIGTERM", "SIGTERM killed the process: it has no handler for it"),
    (r"exit status (-?\d+) after SIGTERM", "the exit status after SIGTERM was {0} instead of 0"),
    (r"SIGTERM does not end it", "the server still ran {soon} s after SIGTERM"),
    (r"still runs", "the server still ran {soon} s later"),
    (r"still open after ([\d.]+) s of drain", "the silent client was not cut at the drain's end"),
    (r"(.*) after ([\d.]+) s of drain", "the silent client was cut after {1} s of the drain"),
    (r"memory grew by (\d+) MiB", "the server's memory grew by {0} MiB"),
    (r"left the terminal non-blocking", "the terminal was left non-blocking, for other programs"),
    (r"took the terminal as its own", "the server made the terminal its own"),
    (r"(?:the first copy: )?no hello and file: b''", "a first, polite client got no answer"),
    (
        r"(?:the first copy: )?no hello and file: (.*)",
        "a first, polite client got {0} and no whole file",
    ),
    (r"the first copy: (.*)", "a first, polite client got a wrong copy: {0}"),
    (r".* did not print .*in ([\d.]+) s: .*", "it printed no `listening on HOST:PORT` in {0} s"),
    (
        r".* did not print .*but ended with status -(\d+): .*",
        "{signal} killed it before it was listening",
    ),
    (
        r".* did not print .*but ended with status (\d+): .*",
        "it ended with status {0} before it was listening",
    ),
)


def sentence(complaint: str, soon: float = 1.0) -> str:
    """Return a complaint in a learner's words; `soon` is how many seconds the attack waited."""
    for pattern, words in _SENTENCES:
        if match := re.fullmatch(pattern, complaint, re.DOTALL):
            return words.format(*match.groups(), soon=f"{soon:g}", **_phrases(match))
    return complaint


def _phrases(match: "re.Match[str]") -> dict[str, str]:
    """Return the phrases that depend on a figure."""
    first, second = (*match.groups(), "", "")[:2]
    many = "1 good client" if first == "1" else f"{first} good clients"
    phrases = {"cut": f"{many} got no copy", "waited": f"{many} waited in vain"}
    if re.fullmatch(r"\d+", first or ""):
        number = int(first)
        phrases["signal"] = _SIGNALS.get(number, f"signal {number}")
    if re.fullmatch(r"[\d.]+", f"{first}") and re.fullmatch(r"[\d.]*\d", f"{second}"):
        phrases["share"] = f"{float(first) / 10 / max(float(second), 0.001):.0f}"
    return phrases


_HEADING = "Traceback (most recent call last):"
_CHAINED = "\nDuring handling of the above exception, another exception occurred:\n"


def last_words(said: bytes, path: str = "") -> str:
    """Return a server's last exception and its place, or "" if it printed no traceback.

    The place is the last line of the traceback that is in the file `path`, if there is one. An
    exception that was raised while another one was handled is followed by that one: either of them
    may be the mistake.
    """
    before, found, trace = said.decode(errors="replace").rpartition(_HEADING)
    if not found and not re.match(r'\s+File "', trace):  # a syntax error has no such heading
        return ""
    words = _exception(trace, path)
    if not before.endswith(f"{_CHAINED}\n"):
        return words
    first = before.removesuffix(f"{_CHAINED}\n").rpartition(_HEADING)[2]
    return f"{words}, while it handled {_exception(first, path)}"


def _exception(trace: str, path: str) -> str:
    """Return the exception of one traceback, and its place."""
    places = re.findall(r'File "([^"]*)", line (\d+)(?:, in (\S+))?', trace)
    ours = [place for place in places if path and place[0].endswith(path)] or places
    errors = [line for line in trace.splitlines() if line[:1].strip()]
    error = clean(errors[0]) if errors else "an exception"
    if not ours:
        return error
    file, line, function = ours[-1]
    where = f", in {function}" if function.isidentifier() else ""
    return f"{error} ({clean(file.rpartition('/')[2])}, line {line}{where})"


def last_line(said: bytes) -> str:
    """Return the last line that a server wrote, or ""."""
    lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
    return clean(lines[-1]) if lines else ""


def clean(text: str) -> str:
    """Return `text` on one line of printable characters, cut short."""
    shown = "".join(char if char.isprintable() else "?" for char in text.strip())
    return shown if len(shown) <= 160 else shown[:159] + "…"


def ending(status: int) -> str:
    """Return how a process ended: its status, or the signal that killed it."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"was killed by signal {-status}"
