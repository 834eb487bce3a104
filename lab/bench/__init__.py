"""The bench: what a transfer costs each server, beside C and other loops. May import lab/ alone."""
