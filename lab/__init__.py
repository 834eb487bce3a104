"""Tools that watch, attack and measure eighty. None of them is needed to run it.

    tracing/      reads a recorded run: the check, the page to step through it, the picture
    simulation/   runs both programs on a simulated network, clock and kernel, with every fault
    torture/      attacks a running server, and keeps the score
    injection/    makes every system call of both programs fail
    load/         starts many clients at once, and many transfers in a row
    bench/        measures what a transfer costs, compared with C and with other loops
    book/         makes a site of the documents and the sources, to be read without a network
    documents/    runs the commands in the documents, and writes the generated parts
    laptop/       runs the tests on Windows (with Wine), and on a simulated BSD
    workflows/    files for a code host: publish the book, test on three systems; not run yet
    demo.py       `make demo`; likewise swarm.py, watch.py, scale.py and mutants.py
    english.py    finds sentences that read like a translation
    tool.py       what the tools that print have in common

Run them from the checkout, as modules: `python3 -m lab.demo`. They may import the runtime, one
another, and tests/support/. documents/ may also import learn/grade and learn/museum.
"""
