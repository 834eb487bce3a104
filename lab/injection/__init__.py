"""Fail the Nth call: one system call of the real programs at a time, with each errno that it knows.

    python -m lab.injection                  every call, every errno; status 0: all survived
    python -m lab.injection --fast           each kind of call once (tests/test_injection.py)
    python -m lab.injection --scene client   one scene
    python -m lab.injection --call accept4   one system call

strace(1) does the failing (`-e inject=CALL:error=ERRNO:when=N`), from outside: the programs run as
users run them, on the real interpreter, none of their code touched. A scene is played once as a
rehearsal, which shows the calls that the program makes; then once more for each of these calls and
each errno of its man page. What is asserted of every run stands in verdicts.py: no traceback, no
hang, no busy loop, the right exit status, exact copies for all who were not hit, and of the
client's copy all or nothing.

    errnos.py      which errno which call may give, by its man page
    strace.py      the command line of strace, and its log read back: call by call, with its role
    scenes.py      the scenes: what is played before the program under strace
    verdicts.py    what must be true afterwards
    campaign.py    rehearsal, then run after run; the table

Needs strace and the right to trace one's own children; Linux only, standard library only.
"""
