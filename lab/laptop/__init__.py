"""Tests on systems that this machine only pretends to be: Windows under Wine, and a BSD or macOS.

    python3 -m lab.laptop windows      in build/windows, which `make test-windows` makes
    python3 -m lab.laptop bsd

What these can show, and what they cannot, is in docs/your-machine.md.
"""
