"""The catalogue of faults: what happens in each case, and the tests that show it.

Called by tests/test_reliability.py, and by `make docs`:

    python -m lab.documents.cases --write    rewrite the table of cases in docs/reliability.md

A test names the cases it shows with `@pytest.mark.fault("A1", ...)`. CASES says
what happens in each case; NOT_HERE has the cases that cannot be tested here, with the reason.
"""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "reliability.md"
TABLE = re.compile(r"^<!-- cases -->\n(?:.*\n)*?<!-- end of cases -->\n", re.MULTILINE)

GROUPS = {
    "A": "Accepting",
    "B": "A connection",
    "C": "Time",
    "D": "Signals, drain, question",
    "E": "Start, addresses, standard streams",
    "F": "The delivered file",
    "G": "The client connects and reads",
    "H": "The client saves",
    "I": "Safety, and long runs",
}

CASES = {
    # A
    "A1": "No descriptor left: accepting pauses until a connection ends or 100 ms pass.",
    "A2": "A shortage never ends the server or closes its listener; the next client is served.",
    "A3": "However often accepting fails, one retry timer is set, not one for each failure.",
    "A4": "Two lines report a shortage, at its beginning and at its end, however long it lasts.",
    "A5": "Reporting the shortage needs no new file descriptor, so the line appears.",
    "A6": "Waiting clients stay in the backlog and are served later; none is dropped.",
    "A7": "Closing the listener cancels its retry timer.",
    "A8": "The kernel's other shortages are handled like a lack of descriptors, and named.",
    "A9": "A connection whose client has left the backlog is skipped; the batch goes on.",
    "A10": "A network error ends only its connection; an unknown error only pauses accepting.",
    "A11": "If no connection is waiting after all, the batch ends silently, and nothing blocks.",
    "A12": "A connection that was reset before we accepted it is lost; no other is affected.",
    "A13": "A peer address that is not valid is shown as `?`.",
    "A14": "If the first steps after accept fail, the new socket is closed and counted.",
    "A15": "Many new connections are accepted in batches, so open transfers are served in between.",
    "A16": "If the backlog is full, clients wait until TCP repeats their SYN, and are then served.",
    "A17": "At `--max-clients` the other clients wait; no more are ever open, and all are served.",
    "A18": "Two listeners at the limit take turns.",
    "A19": "A listener that was closed earlier in the same batch is not asked again.",
    "A20": "A shortage ends when no client waits any more, even if connections keep ending.",
    "A21": "A dead listening socket is closed, with a line; if none is left, status 1.",
    "A22": "If accept fails as if each client in turn had hung up, accepting pauses: no busy loop.",
    # B
    "B1": "Bytes that the kernel did not take are kept, and sent when there is room.",
    "B2": "The selector reported room, but there was none: the same bytes are sent later.",
    "B3": "A client that never reads is ended at the deadline, in SENDING or DONE; others go on.",
    "B4": "A client that never writes gets an ERROR message at the deadline, counted from accept.",
    "B5": "Sending one byte a second gains no time: the deadline is never extended.",
    "B6": "A hello is refused at its first wrong byte; at most 10 bytes of it are kept.",
    "B7": "However the hello is split into packets, the answer is the same.",
    "B8": "Bytes after the hello are ignored, the file is delivered, and the loop does not spin.",
    "B9": "A client that ends its stream right after its hello gets the whole file.",
    "B10": "A stream that ends before the hello is complete is refused.",
    "B11": "A reset, in any state and at any byte, ends only its own connection.",
    "B12": "The server closes after it has read the client's end: no reset overtakes the file.",
    "B13": "If the half-close fails, the connection is lost, as with any other failed call.",
    "B14": "When the client's stream ends, the socket leaves the selector in the same step.",
    "B15": "The selector is asked to report room only while bytes are unsent.",
    "B16": "An event for a descriptor that was closed and reused in this turn calls no handler.",
    "B17": "A socket leaves the selector before it is closed, so its descriptor can be reused.",
    "B18": "A defect in a handler is reported with its traceback, and ends only that connection.",
    "B19": "A handler may end all other connections in the middle of a turn.",
    "B20": "Closing twice is harmless; a connection never has a second closing line.",
    "B21": "On macOS, a send to a vanishing peer may fail with EPROTOTYPE: that counts as lost.",
    "B22": "A peer that vanishes silently is ended at the deadline.",
    "B23": "Urgent data changes nothing: the loop does not spin.",
    "B24": "A successful send is not enough: only the client's end after the whole file counts.",
    "B25": "A child process inherits no file descriptor.",
    "B26": 'The end of the stream and "not now" (EAGAIN) are distinguished in every state.',
    "B27": "After a hello, at most 1 MiB is read and discarded; a client that sends more is lost.",
    # C
    "C1": "Deadlines use the monotonic clock, so the wall clock may jump.",
    "C3": "A server that was stopped (SIGSTOP) first serves what has arrived; then deadlines run.",
    "C4": "A cancelled deadline is removed at once; a million of them leave nothing behind.",
    "C5": "Equal deadlines expire in the order in which they were set.",
    "C6": "A timeout that is not a sensible number of seconds is a usage error.",
    "C7": "A timeout is rounded up, so the loop does not wake just before a deadline.",
    "C8": "A deadline of length 0 that sets itself again keeps no other handler from running.",
    "C9": "When a connection ends, so does its deadline.",
    "C10": "Bytes that arrive in the turn of the deadline are in time.",
    # D
    "D1": "A signal arrives as a byte in the selector, so Ctrl+C wakes the loop at once.",
    "D2": "A signal just before the loop goes to sleep is not lost: its byte is already there.",
    "D3": "Bytes of signals that we do not handle, or no bytes at all, cause an empty turn.",
    "D4": "A flood of signals prints nothing on stderr and breaks nothing.",
    "D5": "The handlers of signals do nothing, so it does not matter what code they interrupt.",
    "D6": "Ctrl+C lets the open connections finish, and reports how they ended.",
    "D7": "A drain lasts at most `--drain`; then connections are cut, and the status shows it.",
    "D8": "A second Ctrl+C cuts all connections at once: status 130.",
    "D9": "Ctrl+C at the question means no.",
    "D10": "If nobody can answer, the answer is no.",
    "D11": "An unclear answer repeats the question, three times; earlier input is discarded.",
    "D12": "Clients that already wait when the listener closes are accepted first.",
    "D13": "If another program has taken the port in the meantime: one line and status 1.",
    "D14": "SIGTERM drains, and asks no question.",
    "D15": "SIGINT and SIGHUP stay ignored if they were ignored at the start; SIGTERM works.",
    "D16": "When a peer has gone, a call fails with an error; SIGPIPE never ends the program.",
    "D17": "A signal never raises an exception inside the loop; no step is left half finished.",
    "D18": "Closing the terminal drains the server, like SIGTERM.",
    "D19": "In the background the server asks nothing, so the terminal does not stop it.",
    "D20": "The tests' programs have their own sessions: Ctrl+C for pytest does not reach them.",
    "D22": "Signal handlers and the wake-up descriptor are restored: main may run twice.",
    "D23": "A signal that another library handles costs one turn and has no other effect.",
    "D24": "The question is on the terminal where the answer is typed, or it is skipped.",
    "D25": "If stdin is no terminal, no answer within 10 s means no.",
    "D26": "A line that does not end within a few kilobytes means no.",
    "D27": "CR ends an answer just as LF does, whatever mode the terminal is in.",
    "D28": "Once the outcome is decided, no signal can change the exit status.",
    "D29": "Signals that were blocked at the start are received all the same.",
    # E
    "E1": "An address in use: one line and status 1; a restart at once succeeds.",
    "E2": "A port that we have no permission for: one line and status 1.",
    "E3": "A port that is not a valid port number is a usage error.",
    "E4": "With port 0, the real port is printed before the first client can connect.",
    "E5": "An address family that the machine lacks is skipped.",
    "E6": "One socket serves IPv6 and IPv4; a chosen IPv6 address serves IPv6 only.",
    "E7": "The loop runs on any standard selector; the programs choose the best of the system.",
    "E8": "The limit of open files sets the number of clients; if it is too low, one line says so.",
    "E9": "If the reader of stderr hangs, lines are dropped and counted; every transfer goes on.",
    "E10": "Closed or broken standard streams change neither the service nor the exit status.",
    "E11": "Standard input may be anything, or closed: it is not put into the selector.",
    "E12": "If a name cannot be looked up, one line says what to write instead.",
    "E13": "Writing to a terminal from the background (`stty tostop`) stops no program.",
    "E14": "If the output of a tool is unread, full or closed, it prints one line or nothing.",
    "E15": "`--host '*'` and the empty string mean all interfaces.",
    "E16": "Any exception in the thread of the look-up reaches the loop, and becomes one line.",
    "E17": "Two outputs to the same regular file, under any name, are a usage error.",
    "E18": "Both programs start under `python -P`, `-I` and PYTHONSAFEPATH.",
    "E19": "A Python that is too old gets one sentence, and status 1.",
    "E20": "The help has no colours, whatever argparse would choose.",
    "E21": "Our selector passes CPython's own tests of selectors.",
    "E22": "On a drive without inode numbers, the paths of two outputs are compared.",
    # F
    "F1": "A FIFO is refused at once; the server does not wait for it.",
    "F2": "Anything but a readable regular file is refused, with its name.",
    "F3": "A file of 10 GB is refused after 81 bytes.",
    "F4": "An empty file is delivered like any other.",
    "F5": "A file that breaks a rule is refused; the line names the rule and the place.",
    "F6": "All clients of a listening period get the bytes that were read at its start.",
    "F7": "A file that grows while it is read is judged by the bytes that were read.",
    "F8": "If the file cannot be read again, the server says so and ends.",
    # G
    "G1": "No server listens: status 3, one line, no file is touched.",
    "G2": "The addresses of a name are tried in turn; if all fail, each failure is reported.",
    "G3": "An address that does not answer uses up only its share of the time.",
    "G4": "A connection to itself counts as refused.",
    "G5": "A name without an address: status 3, in one line.",
    "G6": "Another service, or another version, is refused at its first wrong byte.",
    "G7": "A length has decimal ASCII digits only, not everything that Python takes for a number.",
    "G8": "Length and checksum have one legal spelling each; any other is refused at once.",
    "G9": "A header that never ends is refused as soon as it is too long.",
    "G10": "A length above 80 is refused before any memory is reserved for it.",
    "G11": "If the stream ends too early, at any byte, nothing is saved: status 5.",
    "G12": "One byte after the file breaks the protocol: status 4.",
    "G13": "The checksum finds every flipped bit: status 5.",
    "G14": "A body that is no valid file is refused even if its checksum is right: status 4.",
    "G15": "Bytes that arrive slowly do not extend the one deadline.",
    "G16": "The server does not end its stream after the whole file: saved, with a warning.",
    "G17": "A reset after the whole file: saved, with a warning.",
    "G18": "A reset or the deadline before the whole file: nothing is saved.",
    "G19": "Ctrl+C at any moment: status 130, the old file is untouched, nothing is left behind.",
    "G20": "Even kill -9 leaves the old file or the new one, and at most a `.eighty-*` beside it.",
    "G21": "The time of the name's look-up counts towards the deadline: status 3.",
    "G22": "A reset that only the send of the client's hello reports is named in the last line.",
    # H
    "H1": "A directory that is missing or not writable fails before any connection.",
    "H2": "A full disk at any step: one line, status 1, the old file is unchanged.",
    "H3": "After a short write, the rest is written.",
    "H4": "A directory as output is refused before any connection.",
    "H5": "A symbolic link is followed, and stays a link.",
    "H6": "A device, a FIFO or standard output is written to, and never replaced.",
    "H7": "A new file gets the usual mode; a replaced one keeps its mode.",
    "H8": "An old file that is not writable is not replaced either.",
    "H9": "Any name (empty, too long, with a NUL or odd bytes): saved, or refused in one line.",
    "H10": "The temporary name is random; an existing file of that name is never opened.",
    "H11": "Bytes are saved unchanged: nothing is translated.",
    "H12": "Many clients may write to one name: it always holds one whole copy.",
    "H13": "fsync, rename, and fsync of the directory happen in this order.",
    "H14": "If a file system refuses a step that no exact copy needs (mode, fsync), it is skipped.",
    "H15": "A file descriptor above 1023 works, too.",
    "H16": "The line says `replaced` instead of `saved` if the old file had different bytes.",
    "H17": "A temporary file that cannot be removed stays, and the line names the first error.",
    "H18": "A network drive that refuses a needed step: one line, status 1, the old file stays.",
    # I
    "I-1": "Text from a peer is shown in printable ASCII, on one line, cut short.",
    "I-2": "Bytes from a server cannot control the client's terminal.",
    "I-3": "A connected client that waits costs little memory, and no wake-ups.",
    "I-4": "The first line shows the addresses on which the server can be reached.",
    "I-5": "Memory stays flat over any number of transfers; no reference cycles are created.",
    "I-6": "No fault leaks a file descriptor.",
    "I-7": "A socket that is never closed fails the test in which that happens.",
    "I-8": "In each turn, each ready connection is served once.",
    "I-9": "With assertions off (`python -O`) nothing changes.",
}

NOT_HERE = {
    "C2": "accepted limit: Linux's monotonic clock stops while the machine is suspended, "
    "so a deadline is late by the length of the suspension",
    "D21": "Windows only; `make test-windows` runs both programs there",
    "H19": "cannot happen: FAT and NFS may refuse hard links and locks, but the client uses "
    "neither; an old NFS may ignore O_EXCL, but the temporary name is random anyway",
    "H20": "accepted limit: if an NFS server's answer to the rename is lost, the kernel sends the "
    "request again and may report a failure, although the copy has its name",
    "H21": "accepted limit: where inode numbers change from call to call, one file under two "
    "names is not recognised as one",
}


def marks(source: str) -> Iterator[tuple[str, str]]:
    """Yield (case, name of the test) for each mark of each test in `source`, once."""
    tree = ast.parse(source)
    for test in tree.body:
        if isinstance(test, ast.FunctionDef | ast.ClassDef):
            for case in dict.fromkeys(marked(test, tree)):
                yield case, test.name


def marked(test: ast.FunctionDef | ast.ClassDef, tree: ast.Module) -> Iterator[str]:
    """Yield the cases in the decorators of `test`, on its parameters as well."""
    calls = (node for decorator in test.decorator_list for node in ast.walk(decorator))
    for call in calls:
        match call:
            case ast.Call(func=ast.Attribute(attr="fault", value=ast.Attribute(attr="mark"))):
                for argument in call.args:
                    if isinstance(argument, ast.Starred):
                        yield from table_of_faults(tree)
                    else:
                        yield ast.literal_eval(argument)


def table_of_faults(tree: ast.Module) -> Iterator[str]:
    """Yield the cases in a module's FAULTS, name -> "A1 B2", from which marks are made."""
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="FAULTS")], value=value):
                for text in ast.literal_eval(value).values():
                    yield from text.split()


def named_by_tests() -> dict[str, list[tuple[str, str]]]:
    """Return the tests of each marked case, as file and name; those of few cases first."""
    folder = ROOT / "tests"
    found = [
        (case, (str(path.relative_to(folder)), name))
        for path in sorted(folder.rglob("test_*.py"))
        for case, name in marks(path.read_text())
    ]
    breadth = Counter(test for _, test in found)
    cases: dict[str, list[tuple[str, str]]] = {}
    for case, test in sorted(found, key=lambda one: breadth[one[1]]):
        cases.setdefault(case, []).append(test)
    return cases


def table() -> str:
    """Return the tables of cases, one for each group, as on the page."""
    tests = named_by_tests()
    parts = [group(letter, title, tests) for letter, title in GROUPS.items()]
    parts.append(
        "### Not here\n\n" + "".join(f"- {case}: {why}.\n" for case, why in NOT_HERE.items())
    )
    return "<!-- cases -->\n" + "\n".join(parts) + "<!-- end of cases -->\n"


def group(letter: str, title: str, tests: dict[str, list[tuple[str, str]]]) -> str:
    rows = [
        f"| {case} | {what} | {shown(tests.get(case, []))} |\n"
        for case, what in CASES.items()
        if case.startswith(letter)
    ]
    return (
        f"### {letter}. {title}\n\n| case | what happens | shown by |\n|---|---|---|\n"
        + "".join(rows)
    )


def shown(tests: list[tuple[str, str]]) -> str:
    """Return the first two tests, from different files if possible."""
    files = dict(reversed(tests))
    first = sorted(files.items(), key=tests.index)[:2]
    links = [f"[{path}](../tests/{path})::{name}" for path, name in first]
    return ", ".join(links) + ", and more" * (len(tests) > len(links))


def rewritten(text: str) -> str:
    """Return the page with an up-to-date table."""
    return TABLE.sub(lambda _: table(), text)


def main(arguments: list[str]) -> None:
    """Rewrite the page, or print the usage."""
    if arguments != ["--write"]:
        sys.exit("usage: python -m lab.documents.cases --write")
    text = PAGE.read_text()
    if rewritten(text) != text:
        PAGE.write_text(rewritten(text))
        print("rewrote docs/reliability.md")


if __name__ == "__main__":
    main(sys.argv[1:])
