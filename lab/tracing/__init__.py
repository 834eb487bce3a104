"""Tools that read a recorded run: what `--trace FILE` has written.

    events.py       reads a trace, and says in one line what is wrong with one that it cannot read
    invariants.py   the oracle: eight sentences that are true of every run, asserted event by event
    brackets.py     the sentences on turns, calls and sleep: 1, 2, 7, 8
    machines.py     the sentences on interest, states and ends: 3, 4, 5
    content.py      the sentence on what went over the wire: 6
    lanes.py        the picture: one lane each, order from left to right; layout.py says where
                    things lie, palette.py which colour they have
    perfetto.py     the same run for chrome://tracing and Perfetto
    page.py         the same run as a page to step through
    __main__.py     the command line: python3 -m lab.tracing check|view|lanes|perfetto FILE

They know protocol.py, and no loop, socket or clock; nothing of the programs knows them. The format
is docs/trace.md.
"""
