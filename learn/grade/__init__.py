"""The grader: it attacks a server in 35 ways and says in a learner's words what happened.

    python3 -m learn.grade                      grade mine/server.py; see __main__.py

As a library:

    from learn.grade import grade, target
    results = grade(target("learn/steps/04_loop.py").command)      {row: Result(ok, seen, wanted)}

    chapters.py     which rows belong to which chapter
    table.py        the words for each row: what it does, what is wanted, three hints
    target.py       turns what was typed into a command
    engine.py       runs the attacks, many at the same time
    seen.py         turns the complaints of lab/torture into sentences

Standard library only. Runs on Linux, and on macOS without the rows that need /proc.
"""

import os

if os.name == "posix":
    from learn.grade.chapters import CHAPTER_OF, ROWS
    from learn.grade.engine import Result, Unfit, grade
    from learn.grade.target import NoTarget, Target, target

    __all__ = [
        "CHAPTER_OF", "ROWS", "NoTarget", "Result", "Target", "Unfit", "grade", "target",
    ]  # fmt: skip
