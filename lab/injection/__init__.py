"""Fail the Nth call: one system call of the real programs at a time, with each possible errno.

    python -m lab.injection                  every call, every errno; status 0: all survived
    python -m lab.injection --fast           each kind of call once (tests/test_injection.py)
    python -m lab.injection --scene client   one scene
    python -m lab.injection --call accept4   one system call

strace(1) makes the call fail (`-e inject=CALL:error=ERRNO:when=N`), from outside: the programs run
as users run them, unchanged, on the real interpreter. A scene is first played as a rehearsal, which
shows the calls that the program makes; then it is played once for each of these calls and each
errno of its man page. verdicts.py checks every run: no traceback, no hang, no busy loop, the right
exit status, exact copies for all clients that were not hit, and the client's copy whole or absent.

    errnos.py      which errors each call may give, by its man page
    strace.py      the command line of strace, and the reading of its log: each call and its role
    scenes.py      the scenes: what happens to the program under strace
    verdicts.py    what must be true afterwards
    campaign.py    the rehearsal, then run after run; the table

Needs strace and the right to trace one's own children; Linux only, standard library only.
"""
