"""Run a program for make: check the version of Python, then `python WORDS... ARGS... -- WORDS...`.

ARGS is what the user said. It is split as a shell would split it, quotes included, and nothing in
it is executed. Any Python since 2.7 can read this file, so an old one prints a sentence in place of
a SyntaxError.
"""

import os
import signal
import sys

if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl+C may come at once

import shlex

if sys.version_info < (3, 11):
    sys.exit("eighty needs Python 3.11 or newer; this is %d.%d" % sys.version_info[:2])
try:
    more = shlex.split(os.environ.get("ARGS", ""))
except ValueError as error:
    sys.exit("make: ARGS: %s" % error)

python = sys.executable or os.environ["PYTHON"]  # without a PATH Python does not know its own name
os.environ.pop(
    "PYTHONSAFEPATH", None
)  # modules are to be found in the checkout, which is this folder
words = sys.argv[1:]
if words:  # none: only look at the version
    at = words.index("--") if "--" in words else len(words)
    os.execvp(python, [python] + words[:at] + more + words[at:])
