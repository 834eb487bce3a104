"""One system call of the real programs fails at a time: each kind of call once, each scene.

All calls with all errnos: `make injection`. Needs strace.
"""

import pytest

from lab.injection import campaign, errnos, strace, verdicts
from lab.injection.__main__ import main
from lab.injection.campaign import Injection, Result, table
from lab.injection.scenes import BODY, OLD, SCENES, STREAM, Seen
from lab.injection.strace import Call
from tests.support.sample import sample

LOG = """\
close(3)                                = 0
socketpair(AF_UNIX, SOCK_STREAM|SOCK_CLOEXEC, 0, [3, 4]) = 0
openat(AT_FDCWD, "/usr/lib/python3.11/encodings/idna.py", O_RDONLY|O_CLOEXEC) = 5
read(5, "", 1)                          = 0
close(5)                                = 0
openat(AT_FDCWD, ".eighty-00", O_WRONLY|O_CREAT|O_EXCL|O_CLOEXEC, 0666) = 5
close(5)                                = -1 EIO (Input/output error) (INJECTED)
rename(".eighty-00", "copy")            = 0
--- SIGTERM {si_signo=SIGTERM} ---
"""
FSYNC = Call("fsync", 1, "copy", "fsync(5) = 0")


@pytest.mark.fault(
    "A1", "A2", "A8", "A9", "A10", "A11", "A14", "B2", "B11", "B13", "E2", "E5", "F2", "H1", "H2"
)
@pytest.mark.parametrize("scene", SCENES, ids=lambda scene: scene.name)
def test_no_call_that_fails_breaks_more_than_it_must(scene, traceable, capsys, monkeypatch):
    """In `make test` one in four of these calls, in each scene others."""

    thinned, number = campaign.thinned, SCENES.index(scene)
    monkeypatch.setattr(campaign, "thinned", lambda runs: sample(list(thinned(runs)), number, 4))
    assert main(["--fast", "--scene", scene.name]) == 0, capsys.readouterr().out


def test_the_calls_in_a_log_are_counted_with_all_others_but_those_of_imports_are_left_out():
    assert [(call.name, call.nth, call.role) for call in strace.own_calls(LOG, "/here")] == [
        ("socketpair", 1, "-"),
        ("openat", 2, "copy"),
        ("close", 3, "copy"),
        ("rename", 1, "copy"),
    ]


def complaints(seen: Seen, scene: str = "client") -> str:
    return "; ".join(verdicts.complaints(scene, seen, FSYNC, "EIO", usual=0))


def test_what_must_not_be_is_complained_of():
    good = {"status": 1, "said": "client.py: cannot save", "injected": 1, "copy": OLD}
    assert complaints(Seen(**good)) == ""
    spoiled: list[tuple[dict, str]] = [
        ({"injected": 0}, "never reached"),
        ({"status": None}, "hangs"),
        ({"status": 3}, "status 3"),
        ({"status": 0}, "without an exact copy"),
        ({"said": ""}, "without a word"),
        ({"said": "Traceback (most recent call last):"}, "Traceback"),
        ({"copy": BODY[:9]}, "touched"),
        ({"left": [".eighty-00"]}, "left behind"),
        ({"calls": 2 * verdicts.MORE_CALLS * [FSYNC]}, "busy"),
    ]
    for wrong, word in spoiled:
        assert word in complaints(Seen(**{**good, **wrong})), wrong


def test_a_server_is_judged_by_its_clients():
    good = {"status": 0, "injected": 1, "streams": [STREAM, STREAM]}
    assert complaints(Seen(**good), "server") == ""
    spoiled: list[tuple[dict, str]] = [
        ({"streams": [STREAM, STREAM[:-1]]}, "1 of 2 clients"),
        ({"streams": [STREAM, b"HELLO 2\n"]}, "not the file's"),
        ({"status": 1}, "status 1"),
        ({"streams": []}, "did not start"),
    ]
    for wrong, word in spoiled:
        assert word in complaints(Seen(**{**good, **wrong}), "server"), wrong


def test_the_table_counts_pairs_and_runs():
    done = [
        Result(Injection(SCENES[0], FSYNC, errno), wrong)
        for errno, wrong in [("EIO", []), ("EIO", ["hangs"]), ("ENOSPC", [])]
    ]
    assert "| client | fsync | 1 | 1 of 2 | 2 of 3 | EIO ENOSPC |" in table(done)
    assert "1 of 2 (scene, call, errno) triples survived, in 2 of 3 runs" in table(done)


def test_every_alias_means_a_call_whose_errors_are_known():
    assert set(errnos.ALIASES.values()) <= set(errnos.ERRNOS)
    assert errnos.of("fstat") == errnos.of("newfstatat")
