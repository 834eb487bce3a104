"use strict";
// Reading a trace: JSON Lines, one event a line, as docs/trace.md says.
//
// A trace is data from outside: a peer chose the octets, and somebody else may have written the file.
// So all that is checked is checked here, and the rest of the page may trust what it is given:
// every text is printable ASCII of bounded length, every number a number, every list a list.

const VERSION = 1;
const TEXTS = ["on", "cb", "exc", "why", "peer", "state", "was", "now", "hex", "op", "what", "how", "address", "role", "selector", "python"];
const NUMBERS = ["k", "t", "bytes", "want", "fds", "fd", "in_ms", "body_len", "dropped"];

class NoTrace extends Error {}

/** Return `text` as printable ASCII, cut. (Escaped, a control or bidi character can do nothing.) */
function plain(text) {
  const cut = text.length > 600 ? text.slice(0, 600) + "..." : text;
  return cut.replace(/[^ -~]/gu, (character) => "\\u{" + character.codePointAt(0).toString(16) + "}");
}

/** Return the element of the page that is called `id`. */
const at = (id) => document.getElementById(id);

/** Return one event in the form that all others rely on. */
function event(line) {
  const found = JSON.parse(line, (key, value) => typeof value === "string" ? plain(value) : value);
  if (found === null || typeof found !== "object") throw new SyntaxError("not an object");
  for (const key of TEXTS) if (key in found) found[key] = String(found[key] ?? "");
  for (const key of NUMBERS) if (key in found) found[key] = Number(found[key]) || 0;
  found.ev = String(found.ev);
  found.k ??= 0;
  found.t ??= 0;
  const ready = Array.isArray(found.ready) ? found.ready : [];
  found.ready = ready.filter(Array.isArray).map(([name, what]) => [String(name), String(what)]);
  found.timeout_ms = typeof found.timeout_ms === "number" ? found.timeout_ms : null;
  return found;
}

/** Return {events, torn}; throw NoTrace with one clear line. `torn`: the last line was cut off. */
function read(text) {
  const lines = text.split("\n").map((line) => line.trim());
  while (lines.length && !lines.at(-1)) lines.pop();
  if (!lines.length) throw new NoTrace("This file is empty: a trace has at least one line.");
  const events = [];
  for (const [index, line] of lines.entries()) {
    try {
      events.push(event(line));
    } catch {
      if (index && index === lines.length - 1) return {events: known(events), torn: true};
      throw new NoTrace(`This is not a trace: line ${index + 1} is not a JSON object.`);
    }
  }
  return {events: known(events), torn: false};
}

/** Return `events` if their first one says that this page can read them. */
function known(events) {
  const [first] = events;
  if (first.ev !== "run") throw new NoTrace("This is not a trace: its first line is not a run event.");
  if (first.v === VERSION) return events;
  throw new NoTrace(`This page reads version ${VERSION} of the trace; this file has version ${plain(String(first.v))}.`);
}
