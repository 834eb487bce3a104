"""The load: many clients at once, many transfers in a row, and no descriptors left.

    python -m lab.load held --clients 10000        all held at once, then all served
    python -m lab.load transfers --count 100000    one after the other; memory must not grow
    python -m lab.load exhaustion                  at the limit of open descriptors

Each starts a server of its own on 127.0.0.1 (server.py, or the command after `--`, as the torture
does), compares every copy byte for byte, and prints its figures with target, command, date and
machine, ready to be pasted into docs/reliability.md. Exit status: 0 all targets met, 1 a target
missed, 2 usage, or this machine's limits are too low for it.

    held.py transfers.py exhaustion.py    one measurement each
    figures.py                            what a measurement returns, and how it is printed
    machine.py                            where it was measured
    ../torture/                           the server process, the good clients, the meters
"""

from lab import posix

posix.require()
