"""The torture: hostile clients against a running server of the protocol, and a scorecard.

    python -m lab.torture                          server.py under every attack; status 0: all ok
    python -m lab.torture --fast                   the same in a few seconds
    python -m lab.torture --list                   the attackers, and what each one does
    python -m lab.torture --attack drip            one attack on a server of its own
    python -m lab.torture --attack drip --connect 127.0.0.1:7080 [--pid PID]     by hand
    python -m lab.torture -- python other_server.py {file} --port 0 {options}    another server

Every attack gets a new server process. An attacker brings the server into the worst state it can;
then good clients must be served beside it, and each copy is compared byte for byte. The facts that
can be seen from outside (bytes, ends of streams, processor time, wake-ups, descriptors, lines) make
one row of the scorecard:

    attack | what was seen | CPU used | good clients served | verdict

    wire.py            the bytes of the protocol, written a second time, not imported from eighty
    meters.py          what the kernel counts for a process: time, wake-ups, memory, descriptors
    child.py           any program as a child process, and no process left running
    server_process.py  the server that is judged, as a process of its own
    peer.py            one hostile client, on one socket
    arena.py           where they meet: the server, its attackers, the good clients, what was seen
    attacks/           the attackers
    judge.py           one attack from start to verdict
    scorecard.py       the table
    naive_server.py    a server with the classic mistakes: the torture must find them

Standard library only, Linux only (it reads /proc), loopback only.
"""

from lab import posix

posix.require()
