"""Let one address have at most 3 connections at a time; a fourth one is refused with a reason.

Choose the reason, and send it in an ERROR line (see protocol.md). When one of the three has left,
the next one is served again. Which object sees every connection come and go?
"""

import re
import unittest

from learn.exercises.support import HELLO, Server, connect, talk

TIMES = 1000  # that the next client comes again


class ThreePerAddress(unittest.TestCase):
    """Clients of one address, at the same time."""

    def test_a_fourth_connection_is_refused_with_a_reason(self) -> None:
        with Server() as server:
            guests = [connect(server.port) for _ in range(3)]
            answer = talk(server.port, HELLO)
            for guest in guests:
                guest.close()
        assert is_refusal(answer), f"the fourth one was answered {answer[:40]!r}"

    def test_it_is_served_when_one_of_the_three_has_gone(self) -> None:
        with Server() as server:
            guests = [connect(server.port) for _ in range(3)]
            refused = talk(server.port, HELLO)
            for guest in guests:
                guest.close()
            answers = (talk(server.port, HELLO) for _ in range(TIMES))  # it sees them leave soon
            answer = next(filter(is_file, answers), b"ERROR each time")
        assert is_refusal(refused), f"the fourth one was answered {refused[:40]!r}"
        assert is_file(answer), f"the next one was answered {answer[:40]!r}"


def is_file(answer: bytes) -> bool:
    """Tell whether the server sent its file."""
    return answer.startswith(b"HELLO 1\nFILE ")


def is_refusal(answer: bytes) -> bool:
    """Tell whether the server said ERROR and a reason, after its hello or without it."""
    return re.fullmatch(rb"(HELLO 1\n)?ERROR [ -~]{1,72}\n", answer) is not None


if __name__ == "__main__":
    unittest.main()
