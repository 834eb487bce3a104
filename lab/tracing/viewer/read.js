"use strict";
// Reading a trace: JSON Lines, one event a line, as docs/trace.md says.
//
// A trace comes from outside: peers chose the octets, and anybody may have written the file. All is
// checked here, so that the rest may trust what it gets: each text is printable ASCII of bounded
// length, each number a number, each list a list.

const VERSION = 1;
const TEXTS = ["cb", "exc", "why", "peer", "state", "was", "now", "hex", "op", "what", "how", "address", "ev"];
const NUMBERS = ["k", "t", "bytes", "want", "fd", "in_ms", "body_len", "dropped"];

class NoTrace extends Error {}

/** Return the element of the page that is called `id`. */
const at = (id) => document.getElementById(id);

/** Return `text` as printable ASCII, cut: escaped, a control or bidi character can do nothing. */
function plain(text) {
  const cut = text.length > 600 ? text.slice(0, 600) + "..." : text;
  return cut.replace(/[^ -~]/gu, (character) => `\\u{${character.codePointAt(0).toString(16)}}`);
}

/** Return the event of one line in the form that all others rely on. */
function parse(line) {
  const e = JSON.parse(line, (key, value) => typeof value === "string" ? plain(value) : value);
  if (e === null || typeof e !== "object") throw new SyntaxError("no object");
  for (const key of TEXTS) e[key] = String(e[key] ?? "");
  for (const key of NUMBERS) e[key] = Number(e[key]) || 0;
  if ("on" in e) e.on = String(e.on);
  e.ready = (Array.isArray(e.ready) ? e.ready : []).map((one) => [String(one?.[0]), String(one?.[1])]);
  e.timeout_ms = e.timeout_ms == null ? null : Number(e.timeout_ms);
  return e;
}

/** Return {events, torn}; throw NoTrace with one clear line. `torn`: the last line was cut off. */
function read(text) {
  const lines = text.trimEnd().split("\n");
  if (!lines[0]) throw new NoTrace("This file is empty: a trace has at least one line.");
  const events = [];
  let torn = false;
  for (const [index, line] of lines.entries()) {
    try {
      events.push(parse(line));
    } catch {
      torn = index > 0 && index === lines.length - 1;
      if (!torn) throw new NoTrace(`This is not a trace: line ${index + 1} is not a JSON object.`);
    }
  }
  const {ev, v} = events[0];
  if (ev !== "run") throw new NoTrace("This is not a trace: it does not begin with a run event.");
  if (v !== VERSION) throw new NoTrace(`This page reads version ${VERSION} of the trace; this file says version ${v}.`);
  return {events, torn};
}
