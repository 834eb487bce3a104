// Every event in words: the sentence says what happened, the note why it matters.

const TO = new Map([["", "nothing"], ["r", "read"], ["w", "write"], ["rw", "read or write"]]);
const CAN = new Map([["r", "can be read"], ["w", "can be written"], ["rw", "can be read and written"]]);

/** Return `us` microseconds, or what is left of them, as a person says it. */
function time(us) {
  if (us >= 1e6) return (us / 1e6).toFixed(us < 1e7 ? 2 : 1) + " s";
  if (us >= 1e3) return (us / 1e3).toFixed(us < 1e5 ? 1 : 0) + " ms";
  return Math.max(0, Math.round(us)) + " us";
}

function counted(number, noun) {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}

/** Return the octets of `hex` as numbers. */
function octets(hex) {
  return (hex.match(/[0-9a-f]{2}/gi) ?? []).map((two) => parseInt(two, 16));
}

/** Return one octet as ASCII, or what stands for it. */
function shown(octet, escape = true) {
  if (octet >= 32 && octet < 127) return String.fromCharCode(octet);
  if (!escape) return ".";
  return {9: "\\t", 10: "\\n", 13: "\\r"}[octet] ?? "\\x" + octet.toString(16).padStart(2, "0");
}

function quoted(hex) {
  const all = octets(hex);
  return '"' + all.slice(0, 48).map((octet) => shown(octet)).join("") + '"' + (all.length > 48 ? "..." : "");
}

const SENTENCES = new Map(Object.entries({
  run: (e) => `A ${e.role} begins, with ${e.selector} on Python ${e.python}`,
  listen: (e) => `${e.on}: listens on ${e.address}, to deliver ${counted(e.body_len, "octet")}`,
  select(e) {
    if (e.timeout_ms === null) return "The loop goes to sleep until somebody is ready";
    if (e.timeout_ms <= 0) return "The loop looks who is ready, and does not sleep: a deadline is due";
    return `The loop goes to sleep until somebody is ready, for ${time(1000 * e.timeout_ms)} at most`;
  },
  wake(e) {
    if (!e.ready.length) return "The loop goes on: nobody is ready";
    return "The loop wakes: " + e.ready.map(([name, what]) => `${name} ${CAN.get(what) ?? "is ready"}`).join(", ");
  },
  call: (e) => `${e.on}: ${e.cb}() is called`,
  done: (e) => `${e.on}: ${e.cb}() returns`,
  error: (e) => `${e.on}: ${e.exc} is raised: ${e.why}`,
  open: (e) => `${e.on}: a connection with ${e.peer}, descriptor ${e.fd}, in ${e.state}`,
  state: (e) => `${e.on}: from ${e.was} to ${e.now}, because ${e.why}`,
  watch: (e) => `${e.on}: now waits ${e.now ? "to " + TO.get(e.now) : "for nothing"}`,
  rx(e) {
    if (e.again) return `${e.on}: recv() says: not now`;
    if (!e.bytes) return `${e.on}: recv() gives nothing: the peer has ended its stream`;
    return `${e.on}: recv() gives ${counted(e.bytes, "octet")}: ${quoted(e.hex)}`;
  },
  tx(e) {
    if (e.again) return `${e.on}: send() takes nothing: not now`;
    const part = e.bytes < e.want ? `${e.bytes} of ${counted(e.want, "octet")}` : counted(e.bytes, "octet");
    return `${e.on}: send() takes ${part}: ${quoted(e.hex)}`;
  },
  timer(e) {
    if (e.op === "set") return `${e.on}: ${e.what}() is due in ${time(1000 * e.in_ms)}`;
    if (e.op === "cancel") return `${e.on}: ${e.what}() is no longer due`;
    return `${e.on}: the deadline has passed: ${e.what}() is due now`;
  },
  half: (e) => `${e.on}: shutdown(): our direction ends, the other stays open`,
  close: (e) => `${e.on}: closed${e.how ? ": " + e.how : ""}`,
  turned: (e) => `Turn ${e.k} is over`,
  end: (e) => "The program ends" + (e.dropped ? `; ${counted(e.dropped, "event")} more not recorded` : ""),
}));

function sentence(e) {
  return SENTENCES.has(e.ev) ? SENTENCES.get(e.ev)(e) : `${e.ev}: an event that this page does not know`;
}

const NOTES = new Map(Object.entries({
  run: "Go on with Next, or with the right arrow key. Each step is one event of a real run.",
  listen: "From here on the kernel takes connections for this port, and keeps them until they are accepted.",
  select: "This is the only call that sleeps. The kernel wakes the loop; nothing is polled.",
  call: "Until it returns, nobody else gets anything done: a handler must never wait.",
  done: "All that has to be remembered is in the object now: the function is gone.",
  error: "It ends this one connection, and no other: see Reactor.call.",
  open: "A new socket. It waits for nothing yet, so the selector does not know of it.",
  state: "The state says what the connection waits for from here on.",
  watch: "The selector is told only when this changes.",
  half: "The kernel has the octets, not yet the client. So the server reads on, until the client ends its stream.",
  close: "Out of the selector first, then closed. The number of the descriptor is free, and will be used again.",
  turned: "The messages of this turn go out, and the loop begins anew.",
  end: "",
}));

function note(e) {
  const {ev} = e;
  if (ev === "select" && e.timeout_ms === null) return NOTES.get("select") + " There is no deadline, so it may sleep for ever.";
  if (ev === "wake" && !e.ready.length) return "The time is over. A deadline counts only if it had passed before the loop looked, so it may act in the next turn.";
  if (ev === "wake") return "Ready means: the call would not block now. For a listener: somebody waits to be accepted.";
  if (e.again) return "The selector said ready, the kernel says not now. That is no error: wait for the next time.";
  if (ev === "rx") return e.bytes ? "One recv() gives what has arrived: half a line, or two lines. What is left is reported again." : "Nothing will come any more, but we may still send.";
  if (ev === "tx") return e.bytes < e.want ? "The kernel took a part. The rest stays with the connection, until there is room." : "The kernel has them; that is not yet delivered.";
  if (ev === "timer") return {set: "Nobody waits for it: the loop sleeps at most until the earliest deadline.", cancel: "It came in time."}[e.op] ?? "Deadlines come after readiness: who spoke in time is not late.";
  return NOTES.get(ev) ?? "";
}
