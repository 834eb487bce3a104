"""The simulation: the real server and real clients in a made-up world, with every accident.

    python -m lab.simulation replay SEED       print the story of a seed, line by line
    python -m lab.simulation soak --count N    simulate N transfers, seed after seed
    python -m lab.simulation calls             fail the Nth call, for every N and every errno
    python -m lab.simulation explore           every course of events, for tiny files
    python -m lab.simulation sweep             every truncation and bit flip of an exchange

Reactor, Server, Acceptor, ServerConnection, Download and ClientConnection are the real ones. The
sockets, the selector, the clock, the console and the signals are fakes; tests/test_fakes.py holds
sockets and selector to what the kernel's do. All decisions come from one source, so a run can be
repeated.

    chance.py                       the source of all decisions
    knobs.py faults.py              what a world may be like; which calls can fail, and how
    wire.py sockets.py              connections; the kernel's side of sockets
    host.py selector.py             descriptors; readiness
    world.py                        what is pending, and the passing of time
    program.py server_end.py client_end.py strangers.py    the programs in it
    invariants.py verdicts.py       what must hold between turns; how each connection may end
    soak.py calls.py exploration.py state.py sweeps.py     ways to search for a run that breaks it

Not simulated: what is outside the loop (the prompt, the look-up of names, saving, the writes of the
console), failures of select itself, and the loss and corruption that TCP repairs.
"""
