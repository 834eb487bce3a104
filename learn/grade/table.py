"""What a learner is told about each row: what the attack does, what is wanted, and three hints.

Each hint is clearer than the one before. The third is the idea of the answer, never its code.
"""

from typing import NamedTuple


class Entry(NamedTuple):
    """The words for one row."""

    does: str
    wanted: str
    hints: tuple[str, str, str]


TABLE = {
    # chapter 4
    "connect-and-close": Entry(
        "50 clients connect and close at once, one after the other, as port scanners do",
        "nothing happens: other clients are served, and no socket stays open",
        (
            "What does recv return when the other end has closed?",
            "An empty result is not 'no data yet': it is the end of the stream.",
            "When recv returns b'', unregister the socket from the selector and close it.",
        ),
    ),
    "stampede": Entry(
        "100 clients connect in the same moment",
        "every one of them gets an exact copy of the file",
        (
            "How many clients does one turn of your loop accept, and what happens to the others?",
            "A call that waits for one client makes the other 99 wait. Which call of yours waits?",
            "Register every accepted socket with the selector, and call recv on a socket only "
            "after the selector has reported that very socket.",
        ),
    ),
    "early-half-close": Entry(
        "10 clients send their hello and at once close their sending side, which is legal",
        "each of them gets the whole file, and then the end of the stream",
        (
            "The hello and the end of the stream may arrive together. Which of them do you see?",
            "A client that has closed its sending side can still receive.",
            "Treat the end of the stream as an end only after you have looked at the bytes that "
            "came before it; a valid hello before it earns the whole file.",
        ),
    ),
    "extra-octets": Entry(
        "3 clients send more bytes after their hello, one of them a quarter of a megabyte",
        "each gets the whole file, and no reset destroys it on the way",
        (
            "What does the kernel send if you close a socket that holds unread bytes?",
            "It sends a reset, and a reset may destroy bytes that the client has not read yet.",
            "After the file, close only your sending side. Then read and throw away until recv "
            "returns b'', and close the socket then.",
        ),
    ),
    "urgent": Entry(
        "a client sends TCP urgent data, a byte beside the stream, in its hello and after it",
        "the client gets an exact copy, and the loop sleeps again afterwards",
        (
            "Which events do you register for? Does each of them have a handler that ends it?",
            "Urgent bytes are not part of the stream: recv skips them unless you ask for them.",
            "Watch EVENT_READ (and EVENT_WRITE while bytes are unsent) only. Do not set "
            "SO_OOBINLINE, and do not watch for exceptional conditions.",
        ),
    ),
    "long-stall": Entry(
        "the server's process is stopped (Ctrl+Z) until every deadline is over; clients that it "
        "had greeted send their hellos meanwhile; then it goes on",
        "the hellos came in time, so these clients are served",
        (
            "After a long sleep, two things are due at once: input and deadlines. Which is first?",
            "select can return an empty list when its time is over although bytes are waiting.",
            "Handle what is readable before you expire deadlines, and if select returned nothing "
            "after its full time, ask once more with a timeout of 0 before you expire anyone.",
        ),
    ),
    "idle-listening": Entry(
        "nobody comes",
        "the server sleeps: it does not wake up once, and uses no processor time",
        (
            "What does your loop do in a second in which nothing happens?",
            "A select with a short timeout, or with a timeout of 0, is a loop that never rests.",
            "Without a deadline to wait for, call select with no timeout at all.",
        ),
    ),
    "idle-hello-sent": Entry(
        "100 clients connect, are greeted, and say nothing",
        "the server sleeps while it waits for them",
        (
            "The clients say nothing: what makes your selector report their sockets all the same?",
            "A socket with room in its send buffer is writable, and that is nearly always.",
            "Watch EVENT_WRITE only while you have bytes that the kernel has not taken.",
        ),
    ),
    "idle-half-hello": Entry(
        "10 clients send half a hello and wait",
        "the server sleeps while it waits for the other half",
        (
            "After half a hello, what does your loop do until the other half arrives?",
            "Bytes that you do not read stay readable, and select reports them again at once.",
            "Read what has come, keep it in the connection's object, and go back to select.",
        ),
    ),
    "idle-done": Entry(
        "10 clients have the whole file and stay connected",
        "the server sleeps until they leave",
        (
            "The file is sent. Which events does your selector still watch for this client?",
            "There is nothing left to write, so 'writable' is not worth knowing.",
            "After the last byte, half-close and watch EVENT_READ alone: only the client's end "
            "of stream is still to come.",
        ),
    ),
    # chapter 6
    "garbage": Entry(
        "22 clients say something that is not a hello: HTTP, TLS, almost-hellos, all 256 bytes",
        "each is refused as soon as its bytes can no longer become a hello; none gets the file",
        (
            "How many bytes do you need to see before you know that 'GET /' is not a hello?",
            "A hello is at most 10 bytes, and each byte of it can be checked when it arrives.",
            "Ask of the bytes so far: are they a whole hello, the beginning of one, or neither? "
            "Answer 'neither' with an ERROR line and close, without waiting for a line feed.",
        ),
    ),
    "endless": Entry(
        "5 clients send a hello that never ends, as fast as the network takes it",
        "they are refused at the first bytes, and the server's memory does not grow",
        (
            "What grows while a client sends a line that has no end?",
            "Never keep more than the longest legal hello: 10 bytes.",
            "Refuse when 10 bytes have come without a line feed, or earlier. Then close: do not "
            "read on until the client stops, because it never will.",
        ),
    ),
    # chapter 7
    "idle-sending": Entry(
        "3 clients are in the middle of a file that is sent in pieces (--chunk, --pause); one "
        "goes on sending, one has half-closed",
        "the server sleeps between two pieces, and each client gets an exact copy in the end",
        (
            "Between two pieces nothing is to be done. What wakes your loop up?",
            "Bytes that you do not want yet, and an end of stream, stay readable all the time.",
            "While a pause lasts, watch nothing on that socket; let the time that select may "
            "sleep end when the next piece is due, and watch again then.",
        ),
    ),
    # chapter 9
    "silent": Entry(
        "10 clients connect and never say a word",
        "each is ended at its deadline (--timeout), and other clients are served meanwhile",
        (
            "Nothing will ever arrive from these clients. What else can wake a loop up?",
            "select takes a timeout. When should it return, if nobody says anything?",
            "Store for each connection the moment when its time is over. Let select sleep until "
            "the earliest of them, and end the connections whose moment has passed.",
        ),
    ),
    "drip": Entry(
        "10 clients send their hello byte by byte, so slowly that it would last for ever",
        "one deadline counts from the accept, and a byte does not extend it",
        (
            "When do you set a connection's deadline? When do you change it?",
            "A timeout that starts again with every byte lets one byte a second last for ever.",
            "Set the deadline once, when the connection is accepted, and never touch it again.",
        ),
    ),
    "half-hello": Entry(
        "10 clients send half a hello; then 5 of them fall silent and 5 close their sending side",
        "the silent ones end at their deadline, the others are refused at once",
        (
            "After half a hello two things may follow. Does your server tell them apart?",
            "An end of stream inside a hello means that the rest will never come.",
            "When recv returns b'' before a whole hello, refuse at once. When nothing comes, "
            "leave the connection to its deadline.",
        ),
    ),
    "never-reads": Entry(
        "10 clients say hello, then neither read nor close",
        "the server gives each of them up at its deadline, and not before",
        (
            "You sent the file and closed your side. When do you close the socket?",
            "The client has not ended its stream, so you have to wait for it, but not for ever.",
            "Stay in DONE until the client's end of stream or the deadline, whichever is first; "
            "the deadline that was set at accept covers this, too.",
        ),
    ),
    "endless-extra": Entry(
        "a client takes the file and then sends without end instead of closing",
        "its bytes are read and thrown away until the deadline; memory does not grow",
        (
            "You read on after the file. Where do the bytes go, and when do you stop?",
            "Reading in a loop until the socket is empty never ends with this client.",
            "Read once per turn and keep nothing. The deadline ends the connection although "
            "bytes are still arriving.",
        ),
    ),
    # chapter 11
    "reset-before-accept": Entry(
        "10 clients connect and reset before the server has accepted them",
        "nothing happens: the next client is served",
        (
            "What can accept return, or raise, for a client that has already gone?",
            "The socket that you get may be dead, so the very first send may fail.",
            "Handle the greeting like every other send: an error of one connection ends that "
            "connection, and accept's own ConnectionAbortedError ends nothing.",
        ),
    ),
    "reset-after-connect": Entry(
        "10 clients connect and reset at once",
        "nothing happens: the next client is served",
        (
            "Which of your calls raises an exception when the client has reset?",
            "An exception that leaves the loop ends the server, and so every client.",
            "Put one try around the call of a connection's handler. On an OSError close that "
            "connection only, and go on with the loop.",
        ),
    ),
    "reset-mid-hello": Entry(
        "10 clients reset in the middle of their hello",
        "nothing happens: the next client is served",
        (
            "recv does not only return bytes. What else can it do?",
            "After a reset recv raises ConnectionResetError, once.",
            "Catch OSError where the loop calls a connection's handler, and close the connection.",
        ),
    ),
    "reset-after-hello": Entry(
        "10 clients reset right after their hello, so that the file goes to nobody",
        "nothing happens: the next client is served",
        (
            "The hello was fine. Which calls follow, and which of them can fail?",
            "send may raise ConnectionResetError or BrokenPipeError, shutdown may raise OSError.",
            "All calls on a client's socket belong inside the same try, shutdown too.",
        ),
    ),
    "reset-mid-file": Entry(
        "10 clients reset when most of the file has come (--chunk makes it slow)",
        "this transfer is lost; those beside it go on",
        (
            "Where is the exception caught if it is raised while you send the second piece?",
            "A piece may be sent by a timer, not by an event: is that call inside a try, too?",
            "Let one function call handlers of every kind, and let it be the only place with "
            "the try that ends a connection.",
        ),
    ),
    "reset-when-done": Entry(
        "10 clients read the whole file and then reset instead of closing",
        "nothing happens: the next client is served",
        (
            "You wait for the client's end of stream. What comes instead?",
            "recv raises ConnectionResetError here, too.",
            "Treat it like every error of one connection: close it and go on.",
        ),
    ),
    # chapter 12
    "interrupt": Entry(
        "Ctrl+C in the middle of 13 transfers",
        "new clients are refused, transfers under way are finished, exit status 0",
        (
            "What does Python do on Ctrl+C if you do nothing about it?",
            "A signal has to become an event for the loop, like bytes on a socket.",
            "Use signal.set_wakeup_fd with one end of a socketpair and watch the other end. "
            "On a byte there, close the listening socket, and end when no connection is left.",
        ),
    ),
    "interrupt-backlog": Entry(
        "Ctrl+C while 100 clients wait in the backlog that the server has not yet accepted",
        "they had connected, so they are served before the server ends with status 0",
        (
            "What happens to clients in the backlog when the listening socket is closed?",
            "The kernel resets them. They were connected and had sent their hello.",
            "Before you close the listening socket, accept until accept says that nobody waits.",
        ),
    ),
    "interrupt-stuck": Entry(
        "a client stays silent after Ctrl+C, for ever (--drain 0.5)",
        "it is cut when the time to drain is over, and the exit status is 1",
        (
            "After Ctrl+C you wait for open connections. How long?",
            "The drain needs a deadline of its own, shorter than the connections' deadline.",
            "At Ctrl+C note the moment after --drain seconds. At that moment close what is "
            "still open and end with status 1, so that a script can see it.",
        ),
    ),
    "interrupt-twice": Entry(
        "Ctrl+C a second time, while a silent client holds the drain up",
        "the server ends at once, with status 130",
        (
            "Someone presses Ctrl+C twice. What do they want the second time?",
            "The loop is still running during the drain, so it can see the second signal.",
            "A signal that arrives while you drain cuts every connection and ends the loop; "
            "the exit status for that is 130 (128 and the number of SIGINT).",
        ),
    ),
    "terminate": Entry(
        "SIGTERM in the middle of a transfer",
        "the transfer is finished, nothing is asked, exit status 0",
        (
            "Service managers do not press Ctrl+C. Which signal do they send?",
            "SIGTERM needs a handler as well, or it kills the process at once.",
            "Give SIGTERM the same drain as Ctrl+C, but never ask a question after it.",
        ),
    ),
    "idle-draining": Entry(
        "Ctrl+C while clients that were greeted say nothing yet",
        "the server sleeps while it waits for them, then serves them",
        (
            "What does your loop do between Ctrl+C and the last client's goodbye?",
            "A closed listening socket must leave the selector first, and the bytes of the "
            "signal must be read, or they stay readable.",
            "Unregister the listener before you close it, read the wake-up bytes, and sleep "
            "until a client speaks or the drain's deadline comes.",
        ),
    ),
    "frozen-terminal": Entry(
        "the server's terminal is frozen (Ctrl+S), then good clients come; then SIGTERM",
        "all are served although nobody reads a line, and SIGTERM ends the server, status 0",
        (
            "print waits until somebody takes the text. Who waits with it?",
            "Writing to stderr can block like any other write, and then the loop stands still.",
            "Ask with select and a timeout of 0 whether stderr takes a line; if not, count the "
            "line as dropped. Do not make the terminal non-blocking: its mode is shared.",
        ),
    ),
    "frozen-pipe": Entry(
        "stderr is a full pipe that nobody reads, then good clients come; then SIGTERM",
        "all are served although nobody reads a line, and SIGTERM ends the server, status 0",
        (
            "Where does your server write its messages, and what if nobody reads them?",
            "A pipe takes 64 KiB. After that a write waits for a reader that never comes.",
            "Write only if select says that stderr is writable, at most 512 bytes at a time (a "
            "pipe takes that many whole); otherwise drop the line and count it.",
        ),
    ),
    "broken-stderr": Entry(
        "the reader of the server's stderr has left, so that each write fails; then SIGTERM",
        "all clients are served, and SIGTERM ends the server with status 0",
        (
            "What does print raise when nobody will ever read the text?",
            "BrokenPipeError is an OSError, but it is not the client's fault.",
            "Catch OSError around the writing of a message and go on. Take care that Python's "
            "last flush at exit cannot fail: write with os.write, not through sys.stderr.",
        ),
    ),
    # chapter 13
    "descriptor-exhaustion": Entry(
        "the server may open no more files (RLIMIT_NOFILE), and more clients come",
        "it waits without spinning, says so in at most 2 lines, and serves them all as soon as "
        "a descriptor is free, within 0.2 s",
        (
            "accept raises OSError with EMFILE. What will select say in the next turn?",
            "The clients are still waiting, so the listener is readable again at once: a busy "
            "loop.",
            "On EMFILE stop watching the listener. Watch it again when a connection closes, and "
            "after 100 ms in any case.",
        ),
    ),
    "idle-at-the-cap": Entry(
        "3 clients fill a server that takes 3 (--max-clients 3), and 3 more wait",
        "the server sleeps, and those who waited are served as soon as there is room",
        (
            "What does select say about a listener whose clients you do not accept?",
            "It is readable all the time. So either accept, or stop watching it.",
            "When the last place is taken, unregister the listener; when a connection closes, "
            "register it again. Nobody is refused: they wait in the backlog.",
        ),
    ),
}
