// Every event in words: the sentence says what happened, the note why it matters.

const TO = new Map([["", "nothing"], ["r", "read"], ["w", "write"], ["rw", "read or write"]]);

/** Return `us` microseconds as a person says it. */
function time(us) {
  if (us >= 1e6) return (us / 1e6).toFixed(2) + " s";
  if (us >= 1e3) return (us / 1e3).toFixed(us < 1e5 ? 1 : 0) + " ms";
  return Math.max(0, Math.round(us)) + " us";
}

const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;

/** Return the octets of `hex` as numbers. */
const octets = (hex) => (hex.match(/[0-9a-f]{2}/gi) ?? []).map((two) => parseInt(two, 16));

/** Return one octet as two hexadecimal digits. */
const hexadecimal = (octet) => octet.toString(16).padStart(2, "0");

const printable = (octet) => octet >= 32 && octet < 127;

function quoted(hex) {
  const character = (octet) => printable(octet) ? String.fromCharCode(octet) : {9: "\\t", 10: "\\n", 13: "\\r"}[octet] ?? "\\x" + hexadecimal(octet);
  const all = octets(hex);
  return `"${all.slice(0, 48).map(character).join("")}"${all.length > 48 ? "..." : ""}`;
}

/** Return the name of a method without its class, which stands beside the code. */
const method = (name) => name.split(".").at(-1) + "()";

// Of each kind of event: the sentence, and the note.
const WORDS = new Map(Object.entries({
  run: (e) => [`A ${e.role} begins`, "Each step is one event of a real run. Go on with Next, or with the right arrow key."],
  listen: (e) => [`${e.on}: listens on ${e.address}, to deliver ${counted(e.body_len, "octet")}`, "The kernel takes connections now, and keeps them until they are accepted."],
  select(e) {
    if (e.timeout_ms === null) return [`Turn ${e.k}: sleep until somebody is ready`, "There is no deadline: it may sleep for ever. Nothing is polled."];
    if (e.timeout_ms <= 0) return [`Turn ${e.k}: look who is ready, without sleeping`, "A deadline has passed, but who is ready comes first."];
    return [`Turn ${e.k}: sleep until somebody is ready, ${time(1000 * e.timeout_ms)} at most`, "The only call that sleeps, until the earliest deadline at most. Nothing is polled."];
  },
  wake(e) {
    if (!e.ready.length) return ["The loop wakes: nobody is ready", "The time is over. What was due before the loop looked acts now, the rest next turn."];
    return ["The loop wakes: " + e.ready.map(([name, what]) => `${name} is ready to ${TO.get(what) ?? what}`).join(", "), "Ready means: the call would not block now. To read from a listener is to accept."];
  },
  call: (e) => [`${e.on}: ${method(e.cb)} is called`, "Until it returns nobody else is served, so it must never wait."],
  done: (e) => [`${e.on}: ${method(e.cb)} returns`, "The function is gone. What must be remembered is in the object."],
  error: (e) => [`${e.on}: raises ${e.exc}: ${e.why}`, "It ends this one connection and no other: see Reactor.call."],
  open: (e) => [`${e.on}: opened, with ${e.peer}`, `Descriptor ${e.fd}, in ${e.state}. It waits for nothing yet, so the selector does not know it.`],
  state: (e) => [`${e.on}: ${e.was} to ${e.now}: ${e.why}`, "What it waits for now follows from its state."],
  watch: (e) => [`${e.on}: now waits ${e.now ? "to " + (TO.get(e.now) ?? e.now) : "for nothing"}`, e.now ? "The selector is told, and tells the loop when it is so." : "Out of the selector, which would else report it over and over."],
  rx(e) {
    if (e.again) return [`${e.on}: recv() says: not now`, "Nothing is there, and that is no error."];
    if (!e.bytes) return [`${e.on}: recv() gives the end of the stream`, "The peer sends nothing more; we still may."];
    return [`${e.on}: recv() gives ${counted(e.bytes, "octet")}: ${quoted(e.hex)}`, "What has arrived: half a line, or two. What is left is reported again."];
  },
  tx(e) {
    if (e.again) return [`${e.on}: send() says: not now`, "The kernel has no room, and that is no error: wait to write."];
    if (e.bytes < e.want) return [`${e.on}: send() takes ${e.bytes} of ${e.want} octets: ${quoted(e.hex)}`, "Only a part. The rest stays with the connection until it may write again."];
    return [`${e.on}: send() takes ${counted(e.bytes, "octet")}: ${quoted(e.hex)}`, "The kernel has them now. That is not yet delivered."];
  },
  timer(e) {
    if (e.op === "set") return [`${e.on}: ${method(e.what)} is due in ${time(1000 * e.in_ms)}`, "A deadline. The loop sleeps at most until the earliest one."];
    if (e.op === "cancel") return [`${e.on}: ${method(e.what)} is no longer due`, "The deadline is taken back before it has passed."];
    return [`${e.on}: ${method(e.what)} is due now`, "The deadline has passed. Deadlines come after readiness: who spoke in time is not late."];
  },
  half: (e) => [`${e.on}: shutdown() ends our direction`, "The kernel has all octets, the client not yet. So we read on, until it ends, too."],
  close: (e) => [`${e.on}: closed${e.how ? ": " + e.how : ""}`, "Its descriptor is free, and the number will be used again."],
  turned: (e) => [`Turn ${e.k} is over`, "The messages of this turn go out, and the loop begins anew."],
  end: (e) => ["The program ends", e.dropped ? `${counted(e.dropped, "event")} more were not recorded.` : "Nothing was left out."],
}));

const words = (e) => WORDS.get(e.ev)?.(e) ?? [`${e.ev}: an event that this page does not know`, ""];
const sentence = (e) => words(e)[0];
