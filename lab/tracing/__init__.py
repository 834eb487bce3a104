"""Tools that read a recorded run: what `--trace FILE` has written.

    events.py       reads a trace, or says in one line why it cannot be read
    invariants.py   the oracle: eight sentences that are true of every run, checked at every event
    brackets.py     the sentences on turns, calls and sleep: 1, 2, 7, 8
    machines.py     the sentences on interest, states and ends: 3, 4, 5
    content.py      the sentence on the bytes that were sent and received: 6
    lanes.py        the picture: one lane per object, order from left to right; layout.py says where
                    things are, palette.py which colour they have
    perfetto.py     the same run for chrome://tracing and Perfetto
    page.py         the same run as a page to step through
    __main__.py     the command line: python3 -m lab.tracing check|view|lanes|perfetto FILE

They know protocol.py, and no loop, socket or clock; the programs do not know them. The format is in
docs/trace.md.
"""
