"""Tests on simulated systems: Windows, by Wine, and a BSD or macOS.

    python3 -m lab.laptop windows      in build/windows, which `make test-windows` makes
    python3 -m lab.laptop bsd

docs/your-machine.md says what these can show, and what they cannot.
"""
