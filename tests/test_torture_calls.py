"""Fail the Nth call: a share of `python -m lab.simulation calls`; whether it misses anything."""

import ast
import re
from pathlib import Path

import pytest

import connection
import listener
from lab.simulation import calls
from lab.simulation.faults import ERRORS
from lab.simulation.world import Broken
from tests.test_simulation import told

ROOT = Path(__file__).resolve().parent.parent
CONNECTING = {"socket", "connect", "getsockopt", "getsockname", "getpeername"}
LINE = re.compile(r"(server|client) +(\w+) +(\d+) +(\d+) +(\d+) +(\d+)")
SITES = {(whose, call) for whose in ("server", "client") for call in ERRORS} - {
    *(
        ("server", call)
        for call in ("connect", "getpeername", "getsockname", "getsockopt", "socket")
    ),
    ("client", "accept"),
    ("client", "shutdown"),
}


@pytest.mark.fault("A8", "A9", "A10", "A14", "B11", "B13", "B17", "B18", "B20", "B21", "I-6")
def test_whichever_call_fails_with_whichever_errno_both_programs_survive():
    """Three clients with chunks and full windows; two listeners with room for one client."""
    some = ("small pieces", "one place, two listeners")
    table = LINE.findall(told("calls", *(word for name in some for word in ("--scenario", name))))
    assert {tuple(row[:2]) for row in table} == SITES
    assert all(pairs == survived for *_, pairs, survived in table)
    assert sum(int(row[4]) for row in table) > 1500


def test_no_call_of_the_runtime_is_forgotten():
    """Every method that the core calls on a socket or on the selector can be made to fail."""
    harmless = {"fileno", "select"}  # failures of select itself are not simulated
    for name in ("connection.py", "listener.py", "server.py", "client.py", "reactor.py"):
        for node in ast.walk(ast.parse((ROOT / name).read_text())):
            match node:
                case ast.Call(func=ast.Attribute(attr=call, value=ast.Attribute(attr=owner))) if (
                    owner in ("sock", "selector")
                ):
                    assert call.removesuffix("_ex") in ERRORS.keys() | harmless, f"{name}: {call}"


def closes_without_a_net(self, how=""):
    self.reactor.watch(self, 0)
    self.sock.close()


def opens_without_a_net(self):
    if self.paused_at is not None and self.listeners:
        self.listeners.rotate(1)
        self.resume()


PLANTED = [
    (
        connection.Connection, "close", closes_without_a_net,
        "one place, two listeners", ("server", "close"),
    ),
    (
        listener.Acceptor, "connection_ended", opens_without_a_net,
        "one place, two listeners", ("server", "register"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "method", "defect", "scenario", "site"), PLANTED)
def test_a_call_that_is_not_survived_is_found(monkeypatch, kind, method, defect, scenario, site):
    monkeypatch.setattr(kind, method, defect)
    at_the_site = [pair for pair in calls.pairs(scenario) if pair.site == site]
    with pytest.raises((OSError, Broken)):  # the program dies, or breaks an invariant
        for pair in at_the_site:
            calls.play(pair.scenario, calls.Nth(pair.nth, pair.error))
