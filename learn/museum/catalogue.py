"""What is known about each exhibit; the first line of its file says what its fault is.

In the sources, "run" means that the symptom was seen there in an experiment, and "read" that the
fault was found in the code of that commit. The symptom is shown by a row of the grade, or by a
function in shows.py.
"""

import ast
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
SOUND = HERE / "sound"


class Exhibit(NamedTuple):
    """One exhibit: where its fault was found, its symptom, and the chapter that explains it."""

    name: str
    sound: str  # the file in sound/ that is the same without the fault
    shown_by: str  # a row of the grade, or a function of shows.py
    chapter: int
    source: str  # repository, path, commit
    fact: str  # what the source does; run or read
    symptom: str

    @property
    def number(self) -> int:
        """The number at the beginning of its name."""
        return int(self.name[:2])

    @property
    def path(self) -> Path:
        """Its file."""
        return HERE / f"{self.name}.py"

    @property
    def fault(self) -> str:
        """What its first line says is wrong."""
        said = ast.get_docstring(ast.parse(self.path.read_text())) or ""
        return said.removeprefix("WRONG ON PURPOSE: ")


EXHIBITS = (
    Exhibit(
        "01_one_at_a_time",
        "threads.py",
        "silent",
        2,
        "jdavisp3/twisted-intro blocking-server/slowpoetry.py 2c2415a",
        "serves one client after the other, on purpose: it is the blocking edition (run)",
        "One client connects and says nothing. From then on the server greets nobody.",
    ),
    Exhibit(
        "02_thread_that_is_none",
        "threads.py",
        "silent",
        2,
        "python/cpython Doc/howto/sockets.rst 0bfa963",
        "its example calls run() of the new thread; start() was meant (read)",
        "It looks like a server with threads, and one silent client stops it all the same.",
    ),
    Exhibit(
        "03_one_recv_is_one_message",
        "server.py",
        "urgent",
        6,
        "luminousmen/grokking_concurrency Chapter 11/pizza_reactor.py 3d38b6c",
        "takes the bytes of one recv for one order (read)",
        "A hello that comes in two pieces is refused. On one machine it almost never does.",
    ),
    Exhibit(
        "04_no_limit",
        "server.py",
        "endless",
        6,
        "realpython/materials python-sockets-tutorial/libserver.py 7ecc7c4",
        "keeps as much as the client's content-length says, without a limit (run)",
        "One client sends bytes without a line feed, and the server's memory grows and grows.",
    ),
    Exhibit(
        "05_bytes_taken_for_text",
        "server.py",
        "garbage",
        6,
        "luminousmen/grokking_concurrency Chapter 11/pizza_reactor.py 2dbe230",
        "one byte 0xff ends the server: decode raises an error that nobody catches (run)",
        "The byte 0xff from one client ends the server for all of them.",
    ),
    Exhibit(
        "06_count_ignored",
        "server.py",
        "large_file",
        7,
        "python/cpython Doc/library/selectors.rst 0143107",
        "calls send once, with the comment that it hopes not to block (run)",
        "A file of 75 bytes arrives. A file of 8 MB is cut, and no error is reported anywhere.",
    ),
    Exhibit(
        "07_send_that_blocks",
        "server.py",
        "reader_that_does_not_read",
        7,
        "beejjorgensen/bgnet source/examples/pollserver.c 9fb2a78",
        "sends on blocking sockets: one client that does not read freezes all (run)",
        "One client asks for a large file and does not read it. Nobody else is served.",
    ),
    Exhibit(
        "08_always_writable",
        "server.py",
        "idle-hello-sent",
        8,
        "realpython/materials python-sockets-tutorial/multiconn-server.py 7ecc7c4",
        "waits for reading and writing as long as the connection lasts (run)",
        "One client that does nothing costs a whole processor: the loop never sleeps.",
    ),
    Exhibit(
        "09_no_deadline",
        "server.py",
        "silent",
        9,
        "tokio-rs/mini-redis src/server.rs 3d93b42",
        "takes 250 clients at most, and never ends one that is silent (read)",
        "A silent client stays for ever. Enough of them, and there is no room for others.",
    ),
    Exhibit(
        "10_renewed_deadline",
        "server.py",
        "drip",
        9,
        "twisted/twisted src/twisted/web/http.py 00ddba9",
        "resets the timeout whenever a part of the body comes; meant for idle clients (read)",
        "A client that sends one byte now and then never reaches its deadline.",
    ),
    Exhibit(
        "11_cancelled_timers_pile_up",
        "server.py",
        "timers_of_the_gone",
        9,
        "socketry/io-event lib/io/event/timers.rb 0fe638b",
        "cancel only marks a timer; it leaves the heap when its time has come (read)",
        "Thousands of clients come and go, all is well, and the memory does not come back.",
    ),
    Exhibit(
        "12_close_with_unread_bytes",
        "server.py",
        "extra-bytes",
        10,
        "beejjorgensen/bgnet source/examples/server.c 29db0b6",
        "sends its answer and closes, and never reads what the client says (read)",
        "A client that says more than its hello gets a reset in place of a goodbye.",
    ),
    Exhibit(
        "13_reset_ends_all",
        "server.py",
        "reset-mid-hello",
        11,
        "eliben/code-for-blog 2017/async-socket-server/select-server.c ec2c2dd",
        "ends the process when recv on one connection fails (run)",
        "One client resets its connection, and the server ends.",
    ),
    Exhibit(
        "14_looked_up_after_close",
        "two_lists.py",
        "reset-before-accept",
        11,
        "dhellmann/pymotw-3 source/select/select_echo_server.py 8c3750a",
        "a client closed in the first list is looked up in the second: KeyError (run)",
        "The server ends with a KeyError when a client is readable and writable in one turn.",
    ),
    Exhibit(
        "15_stale_number",
        "by_number.py",
        "number_used_again",
        11,
        "brandon-rhodes/fopnp py3/chapter07/srv_async.py d6e3df4",
        "closes first and unregisters a turn later: 3 of 3,000 new clients were dropped (run)",
        "A client that did nothing wrong is dropped: it got the descriptor of one that has left.",
    ),
    Exhibit(
        "16_polls_for_a_flag",
        "server.py",
        "idle-listening",
        12,
        "python/cpython Lib/socketserver.py 035b629",
        "serve_forever wakes twice a second to look at a flag, and says so in a comment (read)",
        "A server with nothing to do wakes up again and again, and still reacts late.",
    ),
    Exhibit(
        "17_log_that_blocks",
        "stoppable.py",
        "frozen-terminal",
        12,
        "realpython/materials python-sockets-tutorial/multiconn-server.py 7ecc7c4",
        "prints a line for each connection from inside the loop (read)",
        "Somebody presses Ctrl+S in its terminal, and soon nobody is served.",
    ),
    Exhibit(
        "18_accept_spins",
        "server.py",
        "descriptor-exhaustion",
        13,
        "beejjorgensen/bgnet source/examples/selectserver.c 9fb2a78",
        "with no descriptor left it takes a whole processor (run)",
        "With no descriptor left, accept fails, and select reports the listener again at once.",
    ),
    Exhibit(
        "19_accept_closes_the_listener",
        "server.py",
        "descriptor-exhaustion",
        13,
        "giampaolo/pyftpdlib pyftpdlib/ioloop.py release-2.2.0",
        "closes its listener, and ends with status 0 when the last client leaves (run)",
        "After one moment without descriptors the server accepts nobody any more, then ends.",
    ),
    Exhibit(
        "20_accept_ends_all",
        "server.py",
        "descriptor-exhaustion",
        13,
        "realpython/materials python-sockets-tutorial/app-server.py 7ecc7c4",
        "calls accept outside the try of the connections (run)",
        "One moment without descriptors, and the server ends, with all its clients.",
    ),
    Exhibit(
        "21_slow_callback",
        "server.py",
        "stampede",
        13,
        "python/cpython Lib/smtpd.py 0832af6",
        "looks up a name, socket.getfqdn(), in the loop, for each new client (read)",
        "50 ms for one client are 5 s for the last one of a hundred.",
    ),
    Exhibit(
        "22_a_thousand_clients",
        "server.py",
        "a_thousand_clients",
        13,
        "beejjorgensen/bgnet source/examples/selectserver.c 9fb2a78",
        "puts any descriptor into a set of select that has room for 1,024 (read)",
        "A thousand clients are served, and then one more comes.",
    ),
    Exhibit(
        "23_address_in_use",
        "threads.py",
        "restart",
        13,
        "dhellmann/pymotw-3 source/select/select_echo_server.py 8c3750a",
        "binds without SO_REUSEADDR, so a restart fails for a while (run)",
        "The server is restarted, and its own address is in use.",
    ),
    Exhibit(
        "24_end_is_success",
        "client.py",
        "half_a_file",
        14,
        "jdavisp3/twisted-intro async-client/get-poetry.py 07799b4",
        "a server that dies in mid-poem makes it report one poem and status 0 (run)",
        "The server dies in the middle, and half a file is saved, with status 0.",
    ),
    Exhibit(
        "25_decode_per_chunk",
        "client.py",
        "cut_in_a_letter",
        14,
        "jdavisp3/twisted-intro async-client/get-poetry.py master",
        "decodes each piece by itself: a letter cut in two ends all downloads (run)",
        "The pieces of the file are cut inside a letter of two bytes, and the client ends.",
    ),
    Exhibit(
        "26_one_recv_is_one_file",
        "client.py",
        "file_in_two_pieces",
        14,
        "beejjorgensen/bgnet source/examples/client.c 9fb2a78",
        "calls recv once: of 40 and 40 bytes it prints 40, with status 0 (run)",
        "The body comes a moment after its header, and the client gives up.",
    ),
)


def exhibit(number: int) -> Exhibit:
    """Return the exhibit with this number; raises KeyError."""
    return {one.number: one for one in EXHIBITS}[number]
