"""The grader: attacks a server in 35 ways and says in a learner's words what was seen.

    python3 -m learn.grade                      grade mine/server.py; see __main__.py

As a library:

    from learn.grade import grade, target
    results = grade(target("learn/steps/04_loop.py").command)      {row: Result(ok, seen, wanted)}

    chapters.py     which rows belong to which chapter
    table.py        the words for each row: what it does, what is wanted, three hints
    target.py       from what is typed to a command
    engine.py       runs the attacks, side by side
    seen.py         from the torture's complaints to sentences

Standard library only. Linux; on macOS without the rows that need /proc.
"""

import os

if os.name == "posix":
    from learn.grade.chapters import CHAPTER_OF, ROWS
    from learn.grade.engine import Result, Unfit, grade
    from learn.grade.target import NoTarget, Target, target

    __all__ = [
        "CHAPTER_OF", "ROWS", "NoTarget", "Result", "Target", "Unfit", "grade", "target",
    ]  # fmt: skip
