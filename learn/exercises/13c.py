"""Let the closing line of each connection say how many bytes the client was sent.

Now server.py prints `c1 done`. Make it print `c1 done (100 bytes)`, where the hello counts too, and
the same for clients that were refused or lost. Look at server.py and connection.py: which of them
knows the number?
"""

import re
import unittest

from learn.exercises.support import HELLO, Server, talk


class ClosingLine(unittest.TestCase):
    """The line that server.py prints when a connection has ended."""

    def test_a_client_that_has_the_file_was_sent_hello_and_file(self) -> None:
        with Server() as server:
            got = talk(server.port, HELLO)
        demand_closing_line(server.said, len(got))

    def test_a_client_that_is_refused_was_sent_hello_and_reason(self) -> None:
        with Server() as server:
            got = talk(server.port, b"GET / HTTP/1.1\r\n")
        demand_closing_line(server.said, len(got))


def demand_closing_line(said: str, count: int) -> None:
    """Demand that a line of c1 ends with the number of bytes."""
    lines = [line for line in said.splitlines() if re.match(r"c1 [a-z]+", line)]
    assert re.search(rf"^c1 [a-z]+.*\b{count} bytes", said, re.MULTILINE), (
        f"it was sent {count} bytes, but the closing line is {lines[-1:]}"
    )


if __name__ == "__main__":
    unittest.main()
