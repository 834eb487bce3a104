"""The bench: what a transfer costs eighty, C and other loops. It may import lab/ alone."""
