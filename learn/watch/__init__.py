"""The watch mode, `make learn`: your server, its score, and what is next, whenever you save it.

__main__.py     the command line
begin.py        makes mine/server.py
course.py       what is known so far, and the grading in the background
screen.py       the lines to show
terminal.py     the terminal: single keys, a screen of our own, and the old state at the end
"""
