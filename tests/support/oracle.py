"""The wire judged a second time, by other means than those of protocol.py.

No regular expression, no zlib, no import of the code under test: legal lines are listed and
compared, or looked at byte by byte; the checksum is computed bit by bit. Where the two disagree,
one of them has misread protocol.md.
"""

BEGUN = 0  # a legal line can still come
NEVER = -1  # none can

HELLOS = {b"HELLO %d\n" % version for version in range(1, 1000)}
HELLO_BEGINNINGS = {line[:end] for line in HELLOS for end in range(len(line))}
FILE_BEGINNINGS = [b"FILE %d " % length for length in range(81)]


def verdict(data: bytes, *kinds: str) -> int:
    """Return the length of the line that `data` begins with, one of `kinds`; BEGUN; or NEVER."""
    return max(JUDGES[kind](data) for kind in kinds)


def hello(data: bytes) -> int:
    line = data[: data.find(b"\n") + 1]
    if line in HELLOS:
        return len(line)
    return BEGUN if data in HELLO_BEGINNINGS else NEVER


def file_line(data: bytes) -> int:
    for beginning in FILE_BEGINNINGS:
        if data.startswith(beginning):
            digits, rest = data[len(beginning) :][:8], data[len(beginning) :][8:]
            if any(digit not in b"0123456789abcdef" for digit in digits):
                return NEVER
            if not rest:
                return BEGUN
            return len(beginning) + 9 if rest[0] == 0x0A else NEVER
    return BEGUN if any(line.startswith(data) for line in FILE_BEGINNINGS) else NEVER


def error(data: bytes) -> int:
    word = b"ERROR "
    if len(data) <= len(word):
        return BEGUN if word.startswith(data) else NEVER
    if not data.startswith(word):
        return NEVER
    for place, byte in enumerate(data[len(word) :]):
        if byte == 0x0A:
            return len(word) + place + 1 if place > 0 else NEVER
        if place == 72 or not 0x20 <= byte <= 0x7E:
            return NEVER
    return BEGUN


JUDGES = {"HELLO": hello, "FILE": file_line, "ERROR": error}


def crc32(data: bytes) -> int:
    """Return the CRC-32 of ISO 3309: the remainder of a division by a polynomial, bit by bit."""
    rest = 0xFFFFFFFF
    for byte in data:
        rest ^= byte
        for _ in range(8):
            rest = rest >> 1 ^ (0xEDB88320 if rest & 1 else 0)
    return rest ^ 0xFFFFFFFF


def valid_file(body: bytes) -> bool:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    whole_lines = text == "" or text[-1] == "\n"
    return len(body) <= 80 and whole_lines and not {"\0", "\r"} & set(text)


def server_word(client_stream: bytes) -> str:
    """Return the server's closing word for a client that sends this and then ends its stream."""
    return "done" if client_stream.startswith(b"HELLO 1\n") else "refused"


def client_status(server_stream: bytes) -> int:
    """Return the exit status of a client that receives this and then the end of the stream."""
    length = verdict(server_stream, "HELLO", "ERROR")
    if length <= 0:
        return 5 if length == BEGUN else 4
    if server_stream[:length] != b"HELLO 1\n":
        return 4
    outcome, beyond = file_message(server_stream[length:])
    return STATUSES[outcome] if not beyond else 4


STATUSES = {"open": 5, "error": 4, "never": 4, "damaged": 5, "invalid": 4, "whole": 0}


def file_message(data: bytes) -> tuple[str, bytes]:
    """Return the kind of message that has come, and the bytes after a whole file."""
    length = verdict(data, "FILE", "ERROR")
    if length <= 0:
        return "open" if length == BEGUN else "never", b""
    if data.startswith(b"ERROR"):
        return "error", b""
    _, size, checksum = data[:length].split()
    end = length + int(size)
    body = data[length:end]
    if len(data) < end:
        return "open", b""
    if b"%08x" % crc32(body) != checksum:
        return "damaged", b""
    return ("whole", data[end:]) if valid_file(body) else ("invalid", b"")
