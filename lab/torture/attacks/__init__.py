"""The attacks, in files by their aim; ATTACKS has all of them, in the order of the scorecard."""

from lab.torture.attacks import (
    at_the_file,
    at_the_hello,
    at_the_machine,
    at_the_messages,
    idle,
    interrupts,
    resets,
)

ATTACKS = (
    *at_the_hello.ATTACKS,
    *resets.ATTACKS,
    *at_the_file.ATTACKS,
    *at_the_machine.ATTACKS,
    *at_the_messages.ATTACKS,
    *interrupts.ATTACKS,
    *idle.ATTACKS,
)
