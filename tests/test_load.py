"""The load measurements, small: what they find, and that they find what is wrong."""

import re
import sys

import pytest

from lab.load import held, transfers
from lab.load.__main__ import main
from lab.torture import meters, naive_server


def test_the_slope_is_that_of_the_closest_line():
    assert transfers.slope([(0, 5), (1, 7), (2, 9)]) == pytest.approx(2)
    assert transfers.slope([(0, 1), (1, 3), (2, 1), (3, 3)]) == pytest.approx(0.4)
    assert transfers.slope([(7, 5)]) == 0


@pytest.mark.alone
@pytest.mark.fault("I-3")
def test_all_who_are_held_at_once_are_served(capsys):
    assert main(["held", "--clients", "300"]) == 0
    said = capsys.readouterr().out
    assert "| held at once | 300 | 300 |" in said
    assert "| exact copies afterwards | 300 | 300 |" in said
    assert "| while all are held | 0 wake-ups, 0 ns of CPU in 1 s | 0, 0 |" in said
    assert "`python -m lab.load held --clients 300`" in said
    assert re.search(r"\(\d{4}-\d\d-\d\d, .+, \d+ CPUs, Linux .+, CPython 3\.\d+\.\d+\)", said)


@pytest.mark.fault("I-5", "I-6")
def test_transfers_in_a_row_leave_no_descriptor(capsys):
    main(["transfers", "--count", "3000"])  # too few for the slope to mean much
    said = capsys.readouterr().out
    assert "| exact copies | 3,000 | 3,000 |" in said
    assert "| descriptors left open | 0 | 0 |" in said


@pytest.mark.alone
@pytest.mark.fault("A1", "A3", "A4")
def test_at_the_descriptor_limit_nobody_is_lost(capsys):
    main(["exhaustion", "--clients", "20", "--seconds", "0.5", "--rounds", "2"])
    said = capsys.readouterr().out
    assert re.search(r"\| clients lost \| 0 of \d+ \| 0 \|", said)
    assert re.search(r"\| processor time there \| \d\.\d\d % \| <= 1 % and 10 ms \|", said)
    assert re.search(r"\| lines written \| [12] \| <= 2 \|", said)


def test_a_limit_that_is_too_low_is_said_clearly(capsys):
    assert main(["held", "--clients", "100000000"]) == 2
    assert re.search(r"100,000,064 open files.*hard limit .*ulimit", capsys.readouterr().err)


def test_a_target_that_is_missed_is_reported_and_counts(capsys, monkeypatch):
    """The naive server never sleeps, so it is not waited for."""
    monkeypatch.setattr(meters, "wait_for_calm", lambda *_: None)
    monkeypatch.setattr(held, "WINDOW", 0.2)
    command = [sys.executable, naive_server.__file__, "{file}"]
    assert main(["held", "--clients", "50", "--", *command]) == 1
    assert re.search(
        r"\| while all are held \| .* \*\*\(missed\)\*\* \| 0, 0 \|", capsys.readouterr().out
    )
