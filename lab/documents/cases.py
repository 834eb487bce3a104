"""The catalogue of faults: what happens in each case, and the tests that show it.

Called by tests/test_reliability.py, and by `make docs`:

    python -m lab.documents.cases --write    write the table of cases in docs/reliability.md anew

A test names the cases it shows with `@pytest.mark.fault("A1", ...)`. The sentences are those of
CASES; a case that cannot be met here stands in NOT_HERE, with the reason.
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
    "A1": "No descriptor left: accepting pauses, until a connection ends or 100 ms pass; no spin.",
    "A2": "A shortage never ends the server nor closes its listener; the next client is served.",
    "A3": "However often accepting fails, one retry is armed, not one per failure.",
    "A4": "Two lines tell of an episode, its begin and its end, however long it lasts.",
    "A5": "Telling of the shortage needs no new descriptor: the line appears.",
    "A6": "Whoever waits is left in the backlog and served later, not shed by a spare descriptor.",
    "A7": "A retry that was armed dies with its listener.",
    "A8": "The kernel's other shortages are met like the lack of descriptors, and named.",
    "A9": "A connection given up while it waited is passed over; the batch goes on.",
    "A10": "A pending network error is that connection's end; an error nobody knows only pauses.",
    "A11": "Nobody there after all: the batch ends without a word, and nothing blocks.",
    "A12": "Accepted, but reset already: that connection is lost, no other.",
    "A13": "An address that is none is shown as `?`.",
    "A14": "If the first steps after accept fail, the new socket is closed and counted.",
    "A15": "A flood is taken in batches, so transfers under way keep their turns.",
    "A16": "Beyond the backlog clients wait for their next SYN, and then are served.",
    "A17": "At `--max-clients` the others wait; never more are open, and all are served.",
    "A18": "Two listeners at the cap take turns.",
    "A19": "A listener closed earlier in the same batch is not asked any more.",
    "A20": "An episode ends when nobody waits, although connections end all the time.",
    "A21": "A listening socket that is dead is closed with a line; without any, status 1.",
    # B
    "B1": "What the kernel did not take is kept and sent when there is room.",
    "B2": "No room although room was reported: the same octets go later, no state is left.",
    "B3": "Who never reads is ended by the deadline, in SENDING or DONE; others do not notice.",
    "B4": "Who never writes is told so at the deadline, counted from accept.",
    "B5": "An octet a second wins no time: the deadline is never extended.",
    "B6": "A hello that can no longer become one is refused at that octet; at most 10 are kept.",
    "B7": "Every way of cutting the hello gives the same answer.",
    "B8": "Octets behind the hello are ignored, the file is delivered, and nothing spins.",
    "B9": "A client that ends its stream right after its hello gets the whole file.",
    "B10": "An end of stream before the hello is whole is a refusal.",
    "B11": "A reset, in any state and at any octet, ends its connection alone.",
    "B12": "The server closes once it has read the client's end: no reset overtakes the file.",
    "B13": "A half-close that fails counts as lost, like any other failed call.",
    "B14": "At the client's end of stream the socket leaves the selector in the same step.",
    "B15": "Room to write is asked for only while something is unsent.",
    "B16": "An event for a number that changed hands within the batch reaches nobody.",
    "B17": "First out of the selector, then closed: the number can be used again at once.",
    "B18": "A defect in one handler is told with its traceback and ends that connection only.",
    "B19": "A handler may end all the others in the middle of a batch.",
    "B20": "Closing twice does no harm; after the end there is no second closing line.",
    "B21": "macOS' odd error of a send to a peer that goes away is lost, and not retried.",
    "B22": "A peer that vanishes without a word is ended by the deadline.",
    "B23": "An urgent octet is nothing special: no spin, no change.",
    "B24": "An accepted send proves nothing: only the client's end after the whole file is done.",
    "B25": "No descriptor is inherited by a child.",
    "B26": 'The end of the stream and "not now" are two things in every state.',
    "B27": "After a hello at most 1 MiB is discarded, in large reads; more is a lost connection.",
    # C
    "C1": "Deadlines ask the monotonic clock; the wall clock may jump.",
    "C3": "A server that was stopped first serves what has arrived; then deadlines count.",
    "C4": "A cancelled deadline is gone at once; a million of them leave nothing.",
    "C5": "Equal deadlines expire in the order in which they were set.",
    "C6": "A timeout that is not a sensible number of seconds is a usage error.",
    "C7": "A sleep is rounded up, so there is no turn for nothing before a deadline.",
    "C8": "A deadline of length 0 that arms itself anew keeps nobody from running.",
    "C9": "With its connection a deadline goes, too.",
    "C10": "Octets that arrive in the turn of the deadline are in time.",
    # D
    "D1": "A signal is an octet in the selector, so Ctrl+C wakes the loop at once.",
    "D2": "A signal just before the sleep is not lost: its octet is there already.",
    "D3": "Octets of signals that are not ours, or none at all, make an empty turn.",
    "D4": "A storm of signals says nothing on stderr and breaks nothing.",
    "D5": "Nothing is done inside a signal handler, so nothing can be entered twice.",
    "D6": "Ctrl+C lets the open connections finish, and reports how they ended.",
    "D7": "A drain ends by `--drain`; what is open then is cut, and the status says so.",
    "D8": "A second Ctrl+C cuts at once: status 130.",
    "D9": "Ctrl+C at the question is a no.",
    "D10": "Without anybody to answer, the answer is no.",
    "D11": "An odd answer is asked about again, three times; what was typed ahead does not count.",
    "D12": "Who already waits when the listener closes is taken first.",
    "D13": "A port that somebody else has taken meanwhile is one line and status 1.",
    "D14": "SIGTERM drains, and asks nobody.",
    "D15": "SIGINT and SIGHUP that were ignored at the start stay ignored; SIGTERM works.",
    "D16": "A peer that is gone is an error of a call, never a death by SIGPIPE.",
    "D17": "A signal never raises in the middle of the loop; nothing is left half done.",
    "D18": "A terminal that is closed drains the server like SIGTERM.",
    "D19": "In the background nothing is asked, and nothing is stopped for asking.",
    "D20": "The tests' programs have sessions of their own: Ctrl+C for pytest is none for them.",
    "D22": "Handlers and wake-up descriptor are put back, so two runs in one process are fine.",
    "D23": "Somebody else's signal costs a turn and does nothing.",
    "D24": "The question is put where it can be seen; if nowhere, nobody is asked.",
    "D25": "Where stdin is no terminal, no answer within 10 s is a no.",
    "D26": "A line that does not end within a few kilobytes is a no.",
    "D27": "CR ends an answer as LF does, whatever mode the terminal was left in.",
    "D28": "Once the outcome is decided, no signal changes the status, at no moment.",
    "D29": "Signals that were blocked at the start are heard all the same.",
    # E
    "E1": "An address in use is one line and status 1; a restart at once succeeds.",
    "E2": "A port that we may not have is one line and status 1.",
    "E3": "A port that is no port is a usage error.",
    "E4": "Port 0: the real port is told before the first client can come.",
    "E5": "An address family that the machine lacks is passed over.",
    "E6": "One socket takes IPv6 and IPv4; a chosen IPv6 address takes IPv6 only.",
    "E7": "The loop runs on any standard selector; the programs choose one that takes any number.",
    "E8": "The limit of open files sets the number of clients; one that is too low is one line.",
    "E9": "A frozen reader of stderr loses lines, which are counted; every transfer goes on.",
    "E10": "Closed or broken standard streams change neither service nor exit status.",
    "E11": "Standard input may be anything, or nothing: it is not put into the selector.",
    "E12": "A name that cannot be looked up is one line, which says what to write instead.",
    "E13": "Writing to a terminal from the background (`stty tostop`) stops no program.",
    "E14": "A tool whose output nobody reads, or that is full or closed: one line, or silence.",
    "E15": "`--host '*'` and the empty string are all interfaces.",
    "E16": "Any exception of the look-up's thread reaches the loop, and is one line.",
    "E17": "Two outputs that are one regular file, under any name, are a usage error.",
    "E18": "`python -P`, `-I` and PYTHONSAFEPATH start both programs.",
    "E19": "A Python that is too old gets one sentence, and status 1.",
    "E20": "The help shows no colours, whatever argparse would like.",
    "E21": "Our selector passes CPython's own tests of selectors.",
    # F
    "F1": "A FIFO is refused at once, not waited for.",
    "F2": "Whatever is no readable regular file is refused by name.",
    "F3": "A file of 10 GB is refused after 81 octets.",
    "F4": "The empty file is delivered like any other.",
    "F5": "A file that breaks a rule is refused, with the rule and the place.",
    "F6": "Everybody of one listening period gets the octets read at its start.",
    "F7": "A file that grows while it is read is judged by what was read.",
    "F8": "If the file cannot be read again, the server says so and ends.",
    # G
    "G1": "Nobody listens: status 3, one line, nothing touched.",
    "G2": "The addresses of a name are tried in turn; if all fail, each is told.",
    "G3": "An address that does not answer uses up its share of the time, no more.",
    "G4": "A connection to oneself counts as refused.",
    "G5": "A name without an address is status 3, in one line.",
    "G6": "Another service, or another version, is refused by its first wrong octet.",
    "G7": "A length is decimal ASCII digits, and nothing else that Python would take for a number.",
    "G8": "Length and checksum have one legal spelling each; every other is refused at once.",
    "G9": "A header that never ends is refused as soon as it is too long.",
    "G10": "A length above 80 is refused before anything is kept for it.",
    "G11": "A stream that ends too early, at whatever octet, saves nothing: status 5.",
    "G12": "One octet beyond the file breaks the protocol: status 4.",
    "G13": "Each flipped bit is found by the checksum: status 5.",
    "G14": "A verified body that is no valid file is refused: status 4.",
    "G15": "Octets that drip do not outlast the one deadline.",
    "G16": "A server that does not end its stream after the whole file: saved, with a warning.",
    "G17": "A reset after the whole file: saved, with a warning.",
    "G18": "A reset or the deadline before that: nothing saved.",
    "G19": "Ctrl+C at any moment: status 130, the old file untouched, nothing left.",
    "G20": "Even kill -9 leaves the old file or the new one, and at most a `.eighty-*` beside it.",
    "G21": "The look-up of the name counts towards the deadline: status 3.",
    "G22": "A reset that only the client's hello meets is named in the line.",
    # H
    "H1": "A directory that is missing or may not be written fails before any connection.",
    "H2": "A full disk at any step: one line, status 1, the old file as it was.",
    "H3": "A short write is continued.",
    "H4": "A directory as output is refused before any connection.",
    "H5": "A symbolic link is followed, and stays a link.",
    "H6": "A device, a FIFO or standard output is written to, never renamed over.",
    "H7": "A new file has the usual mode, a replaced one keeps its own.",
    "H8": "An old file that may not be written is not replaced either.",
    "H9": "Names too long, empty, with NUL or any other octet: saved, or one line.",
    "H10": "The temporary name is random and never opened if it exists.",
    "H11": "Octets are octets: nothing is translated on the way.",
    "H12": "Many clients may write one name: it is always one whole copy.",
    "H13": "fsync, rename, fsync of the directory, in this order.",
    "H14": "What a file system cannot do, and a copy does not need, is left out (mode, fsync ...).",
    "H15": "A descriptor above 1023 can be waited for.",
    "H16": "`replaced` and not `saved` is said where the old file had other bytes.",
    # I
    "I-1": "What a peer sends is shown in printable ASCII, one line, cut short.",
    "I-2": "What a server sends cannot drive the client's terminal.",
    "I-3": "A client that is held costs little memory, and no wake-up.",
    "I-4": "The line at the start tells on which addresses the server can be reached.",
    "I-5": "Memory stays flat over any number of transfers; no cycle is left to the collector.",
    "I-6": "No fault leaves a descriptor behind.",
    "I-7": "A socket that nobody closes fails the test in which that happens.",
    "I-8": "In one turn each ready connection has its one turn.",
    "I-9": "With assertions off (`python -O`) nothing changes.",
}

NOT_HERE = {
    "C2": "accepted limit: Linux' monotonic clock stands still while the machine is suspended, "
    "so that a deadline is late by as long",
    "D21": "Windows only; `make test-windows` runs both programs there",
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
    """Return for each case that is marked its tests, file and name; first who names few cases."""
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
    """Return the tables of cases, one for each group, as they stand on the page."""
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
    """Return the first two tests, from different files if there are."""
    files = dict(reversed(tests))
    first = sorted(files.items(), key=tests.index)[:2]
    links = [f"[{path}](../tests/{path})::{name}" for path, name in first]
    return ", ".join(links) + ", and more" * (len(tests) > len(links))


def rewritten(text: str) -> str:
    """Return the page with the table made anew."""
    return TABLE.sub(lambda _: table(), text)


def main(arguments: list[str]) -> None:
    """Rewrite the page, or tell how to."""
    if arguments != ["--write"]:
        sys.exit("usage: python -m lab.documents.cases --write")
    text = PAGE.read_text()
    if rewritten(text) != text:
        PAGE.write_text(rewritten(text))
        print("rewrote docs/reliability.md")


if __name__ == "__main__":
    main(sys.argv[1:])
