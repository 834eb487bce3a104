"""Everything to do: the steps of the walkthrough, museum, twins, grader and exercises."""

from edges import process

process.require_python()  # before the modules here are read, which an old Python cannot
