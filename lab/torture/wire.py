"""The bytes of the protocol, written a second time.

The judge must not have the same mistakes as the program that it judges. So nothing is imported from
protocol.py: these few lines follow protocol.md.
"""

import re
import zlib

HELLO = b"HELLO 1\n"
WHOLE = re.compile(rb"HELLO 1\nFILE (0|[1-9]|[1-7][0-9]|80) ([0-9a-f]{8})\n(.*)", re.DOTALL)
REFUSAL = re.compile(rb"(?:HELLO 1\n)?(?:ERROR ([ -~]{1,72})\n)?")

# Eight lines, some of them empty, 75 bytes, with letters of one, two, three and four of them:
# a copy that passed through text, or that lost one byte, differs.
SAMPLE = "1 short\n\n\nnaïve – 日本 🂡\ttab\n  spaces  \n~!@#$%^&*()_+\nend of file\n\n".encode()


def flaw(stream: bytes) -> str | None:
    """Return what is wrong with the `stream` that a server sent to a good client, or None."""
    match = WHOLE.fullmatch(stream)
    if match is None:
        return f"no hello and file: {stream[:40]!r}"
    length, checksum, body = int(match[1]), match[2].decode(), match[3]
    if len(body) != length:
        return f"{len(body)} bytes of {length}"
    if f"{zlib.crc32(body):08x}" != checksum:
        return "the checksum differs"
    return None


def whole_stream(body: bytes) -> bytes:
    """Return all that a server sends to a client that gets `body`."""
    return HELLO + b"FILE %d %08x\n%b" % (len(body), zlib.crc32(body), body)


def is_refusal(stream: bytes) -> bool:
    """Tell whether `stream` is what a refused client may see: a hello, a reason, or neither."""
    return REFUSAL.fullmatch(stream) is not None


def reason(stream: bytes) -> str | None:
    """Return the reason that the server sent to a refused client, None if it sent none."""
    match = REFUSAL.fullmatch(stream)
    return match[1].decode() if match and match[1] else None
