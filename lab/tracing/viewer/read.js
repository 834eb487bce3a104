"use strict";
// Reading a trace: JSON Lines, one event a line, as docs/trace.md says.
//
// A trace comes from outside: peers chose the bytes, and anybody may have written the file. It is
// checked here, so that the other parts can trust it: each text is printable ASCII of bounded length,
// each number a number, each list a list. A Run grows: `feed` takes more text at any time.

const VERSION = 1;
const TEXTS = ["cb", "exc", "why", "peer", "state", "was", "now", "hex", "op", "what", "how", "address", "ev", "role", "selector", "python"];
const NUMBERS = ["k", "t", "bytes", "want", "fd", "in_ms", "body_len", "dropped"];
const LONGEST = 4000; // characters of a line that is taken as it is, if it holds nothing odd
const FRAMES = new Map(); // each "FILE:LINE NAME" once: a long trace repeats a few of them

class NoTrace extends Error {}

/** Return the element of the page that is called `id`. */
const at = (id) => document.getElementById(id);

/** Return `text` as printable ASCII, cut: escaped, a control or bidi character can do nothing. */
function plain(text) {
  const cut = text.length > 600 ? text.slice(0, 600) + "..." : text;
  return cut.replace(/[^ -~]/gu, (character) => `\\u{${character.codePointAt(0).toString(16)}}`);
}

/** Return a frame of a stack: {file, line, name}. */
function frame(text) {
  if (!FRAMES.has(text)) {
    const [, file, line, name] = /^(.{1,200}?):(\d{1,7}) (.{1,200})$/.exec(text) ?? [0, "?", 0, String(text).slice(0, 200)];
    FRAMES.set(text, {file, line: Number(line), name});
  }
  return FRAMES.get(text);
}

/** Return the event of one line in the form that all the others rely on. */
function parse(line) {
  const odd = line.length > LONGEST || /[^ -~]|\\/.test(line);
  const e = odd ? JSON.parse(line, (key, value) => typeof value === "string" ? plain(value) : value) : JSON.parse(line);
  if (e === null || typeof e !== "object") throw new SyntaxError("no object");
  for (const key of TEXTS) e[key] = String(e[key] ?? "");
  for (const key of NUMBERS) e[key] = Number(e[key]) || 0;
  if ("on" in e) e.on = String(e.on);
  e.ready = (Array.isArray(e.ready) ? e.ready : []).map((one) => [String(one?.[0]), String(one?.[1])]);
  e.stack = (Array.isArray(e.stack) ? e.stack : []).slice(0, 30).map((one) => frame(String(one)));
  e.timeout_ms = e.timeout_ms == null ? null : Number(e.timeout_ms) || 0;
  return e;
}

/** A trace, as far as it has come. */
class Run {
  events = [];
  torn = false; // the last line was cut off
  #rest = ""; // the beginning of a line whose end has not come yet
  #bad = 0; // the number of a line that could not be read: only the last one may be so
  #lines = 0;
  #calls = []; // that have not returned
  #select = null; // the latest of each, to say what came of it
  #wake = null;
  #chunk = 0; // slow motion: a send is offered no more bytes
  #ranks = new Map([["loop", 0]]);

  /** Take more of the file. Throw NoTrace, with one clear line, if it is not a trace. */
  feed(text) {
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop();
    for (const line of lines) this.#take(line);
    return this;
  }

  /** Take what is left after the last line feed. No more will come. */
  finish() {
    this.#take(this.#rest);
    this.#rest = "";
    if (!this.#lines) throw new NoTrace("This file is empty: a trace has at least one line.");
    if (this.#bad === 1) throw new NoTrace("This is not a trace: line 1 is not a JSON object.");
    this.torn = this.#bad > 0;
    return this;
  }

  #take(line) {
    if (!line.trim()) return;
    if (this.#bad) throw new NoTrace(`This is not a trace: line ${this.#bad} is not a JSON object.`);
    this.#lines += 1;
    let e;
    try {
      e = parse(line);
    } catch {
      this.#bad = this.#lines;
      return;
    }
    if (!this.events.length) this.#check(e);
    this.events.push(e);
    this.#relate(e);
  }

  #check({ev, v, options}) {
    this.#chunk = Number.isInteger(options?.chunk) ? options.chunk : 0;
    if (ev !== "run") throw new NoTrace("This is not a trace: it does not begin with a run event.");
    if (v !== VERSION) throw new NoTrace(`This page reads version ${VERSION} of the trace; this file says version ${plain(String(v))}.`);
  }

  /** Note what later events say about earlier ones: what a recv returns had arrived at the wake. */
  #relate(e) {
    if (e.ev === "done") this.#calls.pop();
    e.depth = Math.min(this.#calls.length, 50);
    e.around = this.#calls.at(-1) ?? "";
    if (e.ev === "call") this.#calls.push(`${e.on}.${method(e.cb)}`);
    if (e.ev === "select") [this.#select, this.#calls] = [e, []];
    if (e.ev === "wake") {
      Object.assign(e, {arrives: new Map(), slept: this.#select ? e.t - this.#select.t : 0, timeout: this.#select?.timeout_ms ?? null});
      if (this.#select) this.#select.sleeps = e.slept;
      this.#wake = e;
    }
    const arrives = this.#wake?.arrives;
    if (e.ev === "rx" && !e.again && arrives && !arrives.has(e.on)) arrives.set(e.on, e);
    if (e.ev === "open" && arrives && this.#wake.k === e.k) this.#wake.opens = (this.#wake.opens ?? 0) + 1;
    if (e.ev === "tx") e.chunk = e.bytes === this.#chunk ? e.bytes : 0;
    for (const name of [e.on, ...e.ready.map(([name]) => name)]) {
      if (name !== undefined && !this.#ranks.has(name)) this.#ranks.set(name, name.startsWith("listener") ? 1 : 3);
    }
    if (e.ev === "open") this.#ranks.set(e.on, 2);
  }

  /** Return the rank of an object: the loop, listeners, connections, the rest. */
  rank = (name) => this.#ranks.get(name) ?? 4;
}
