"""Tools that watch, attack and measure eighty. None of them is needed to run it.

    tracing/      reads a recorded run: the check, the page to step through it, the picture
    simulation/   both programs on a made-up network, clock and kernel, with every accident
    torture/      attacks a running server, and keeps the score
    injection/    fails every system call of both programs
    load/         many clients at once, many transfers in a row
    bench/        what a transfer costs, beside C and other loops
    book/         makes a site of the documents and the sources, which opens without a network
    documents/    reads the documents, and writes what is generated in them
    workflows/    for a code host: publish the book, test on three systems; not run yet
    demo.py       and swarm.py, watch.py, scale.py, mutants.py: `make demo`, `make swarm` and so on
    tool.py       the frame of the tools that print

Run them from the checkout, as modules: `python3 -m lab.demo`. They may import the runtime and one
another; documents/ may also import learn/, and tools that need the tests' tools tests/support/.
"""
