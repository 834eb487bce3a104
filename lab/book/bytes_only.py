"""Run the tests of pure bytes on the Python at hand: node lab/book/node.mjs lab/book/bytes_only.py

They need no socket, no process and no terminal, so they run on Pyodide's Python, too: our Python
3.14. tests/conftest.py stays away, since it watches over descriptors and processes.
"""

import sys

import pytest

TESTS = ("protocol", "server_hello", "client_hello", "state_tables", "spec", "dotted")


def main() -> int:
    """Run; return pytest's status."""
    # Hypothesis' own profile "ci": the same examples each time, and no time limit for one of them.
    options = ["--noconftest", "--hypothesis-profile=ci", "-q", "-p", "no:cacheprovider"]
    return int(pytest.main([*options, *(f"tests/test_{name}.py" for name in TESTS)]))


if __name__ == "__main__":
    sys.exit(main())
