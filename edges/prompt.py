"""The question after Ctrl+C: listen again?

Owns what is asked, where, and how often. Knows the console, the terminal and the lines of stdin;
called by server.py between two listening periods, when no loop runs.

    ask --> question --> a line from stdin --> yes
                ^               |        |
                |  any other    |        +---> no, an empty line, the end of the stream
                +--- answer ----+
                  at most three times          no answer, a signal: no

 1. The question is put where it can be seen. It goes to stderr. If stdin is a terminal, and stderr
    is anything else, it goes to that terminal too, with the report before it. If that is
    impossible, nobody is asked.
 2. A pipe is no exception: its reader may show nothing, or end. In `server.py 2>&1 | tee log`,
    Ctrl+C ends tee as well: sometimes before the question is written, sometimes after.
 3. No answer is a no.
 4. What was typed during the drain is thrown away: a stray "y" must not decide.
"""

import os
from contextlib import ExitStack, closing, suppress

from edges.answers import Answers, NoAnswer
from edges.console import Console
from edges.system import terminal
from signals import Interrupted, Signals

QUESTION = "Continue listening? [y/N] "
TIMES = 4  # asked once, and again at most three times
YES = (b"y", b"yes")
NO = (b"n", b"no", b"")


class Unseen(Exception):
    """The person at the terminal cannot see the question."""


class Question:
    """The question, asked on `console` and answered on descriptor `stdin`, after each period."""

    def __init__(self, console: Console, signals: Signals, stdin: int = 0) -> None:
        self.console = console
        self.signals = signals
        self.stdin = stdin
        self.after_cr = False  # the last answer ended in CR: an LF may follow that belongs to it

    def ask(self) -> bool:
        """Return True if the answer is yes."""
        if terminal.in_background(self.stdin):
            return False
        if not os.isatty(self.stdin):
            return self.ask_on(self.console, person=False)
        with terminal.reading_lines(self.stdin) as usable:
            return usable and self.ask_person()

    def ask_person(self) -> bool:
        """Ask the person at the terminal: on stderr if that is this terminal."""
        terminal.discard_typed_ahead(self.stdin)
        if terminal.is_same(self.console.sock, self.stdin):
            with suppress(Unseen):
                return self.ask_on(self.console, person=True)
        return self.ask_on_terminal()

    def ask_on_terminal(self) -> bool:
        """Ask on the terminal where the answer is typed. First show there what led to the question.

        stderr gets the question as well, so that a log shows why the server ended.
        """
        self.console.line(QUESTION)
        self.console.flush()
        with ExitStack() as stack:
            try:
                number = stack.enter_context(terminal.opened(self.stdin))
            except OSError:
                return False  # nobody can be asked
            screen = stack.enter_context(closing(Console(number=number)))
            for line in self.console.reported:
                screen.line(line)
            with suppress(Unseen):
                return self.ask_on(screen, person=True)
        return False

    def ask_on(self, console: Console, *, person: bool) -> bool:
        """Ask there until there is an answer. Raises Unseen if a `person` cannot see it."""
        how = {"person": person, "after_cr": self.after_cr}
        with closing(Answers(console, self.signals, self.stdin, **how)) as answers:
            try:
                return decide(console, answers)
            except (Interrupted, NoAnswer):
                console.line("")  # nobody pressed Enter after the question
                return False
            finally:
                self.after_cr = answers.after_cr


def decide(console: Console, answers: Answers) -> bool:
    """Return True if the answer is yes."""
    for _ in range(TIMES):
        if not console.prompt(QUESTION) and answers.person:
            raise Unseen  # without a person, a program may answer all the same
        line = answers.line()
        if not (line.endswith(b"\n") and answers.echoed):
            console.line("")
        answer = line.strip().lower()
        if answer in YES + NO:
            return answer in YES
    return False
