// Every event in words: the sentence says what happens, the note why it matters.

const TO = new Map([["", "nothing"], ["r", "read"], ["w", "write"], ["rw", "read or write"]]);

/** Return `us` microseconds as a person says it. */
function time(us) {
  if (us >= 1e6) return (us / 1e6).toFixed(2) + " s";
  if (us >= 1e3) return (us / 1e3).toFixed(us < 1e5 ? 1 : 0) + " ms";
  return Math.max(0, Math.round(us)) + " us";
}

const counted = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
const listed = (all) => all.length < 2 ? all.join("") : `${all.slice(0, -1).join(", ")} and ${all.at(-1)}`;

/** Return the bytes of `hex` as numbers. */
const bytes = (hex) => (hex.match(/[0-9a-f]{2}/gi) ?? []).map((two) => parseInt(two, 16));

const hexadecimal = (byte) => byte.toString(16).padStart(2, "0");

const printable = (byte) => byte >= 32 && byte < 127;

/** Return the bytes of `hex` as text in which nothing is hidden, cut after `most`. */
function shown(hex, most = 48) {
  const character = (byte) => printable(byte) ? String.fromCharCode(byte) : {9: "\\t", 10: "\\n", 13: "\\r"}[byte] ?? "\\x" + hexadecimal(byte);
  const all = bytes(hex);
  return all.slice(0, most).map(character).join("") + (all.length > most ? "..." : "");
}

const quoted = (hex) => `"${shown(hex, 40)}"`;

/** Return the name of a method without its class, which the code panel shows. */
const method = (name) => name.split(".").at(-1) + "()";

/** Return which objects are ready, and for what, in words. */
function readiness(ready) {
  const groups = new Map();
  for (const [name, what] of ready) groups.set(what, [...groups.get(what) ?? [], name]);
  return [...groups].map(([what, names]) => `${listed(names.slice(0, 6))}${names.length > 6 ? ` and ${names.length - 6} more` : ""} ${names.length > 1 ? "are" : "is"} ready to ${TO.get(what) ?? what}`).join("; ");
}

/** Return what it means that these are ready. */
function meaning(ready) {
  const some = (letter, listens) => ready.some(([name, what]) => what.includes(letter) && name.startsWith("listener") === listens);
  return [
    ...some("r", true) ? ["The listener has a new connection to accept."] : [],
    ...some("r", false) ? ["Ready to read: bytes, or an end, have arrived."] : [],
    ...some("w", false) ? ["Ready to write: the kernel's buffer has room."] : [],
  ].join(" ") + ` So a call on ${ready.length > 1 ? "them" : "it"} does not block.`;
}

/** Return of which parts the bytes consist that send() was given, if they begin with a FILE line. */
function parts({hex, want}) {
  const [line, size] = /^FILE (\d{1,6}) [^\n]*\n/.exec(String.fromCharCode(...bytes(hex))) ?? [""];
  return line && line.length + Number(size) === want ? ` ${want} = ${line.length} (FILE line) + ${size} (file).` : "";
}

// Of each kind of event: the sentence, and the note.
const WORDS = new Map(Object.entries({
  run: (e) => [`A ${e.role} begins`, "Each step is one event of a real run. Press Next or the right arrow key; the space bar plays."],
  listen: (e) => [`The ${e.on} listens on ${e.address}, to deliver ${counted(e.body_len, "byte")}`, "From now on the kernel accepts connections and keeps them in the backlog."],
  select(e) {
    if (e.timeout_ms === null) return [`Turn ${e.k}: the loop goes to sleep until something is ready`, "No deadline is set, so it may sleep for ever. Sleeping costs nothing."];
    if (e.timeout_ms <= 0) return [`Turn ${e.k}: the loop looks what is ready, without sleeping`, "A deadline has passed. What is ready is still served before it."];
    return [`Turn ${e.k}: the loop goes to sleep, for ${time(1000 * e.timeout_ms)} at most`, "select() is the only call that waits. The earliest deadline limits it."];
  },
  wake(e) {
    if (e.ready.length) return ["The loop wakes: " + readiness(e.ready), meaning(e.ready)];
    if (e.timeout !== null && e.timeout <= 0) return ["Nothing is ready", "So nobody was served too late: now the deadlines that have passed are handled."];
    return ["The loop wakes: a deadline has passed, and nothing is ready", "It passed after this turn had begun, so this turn skips the deadlines. The next one first looks what is ready."];
  },
  call: (e) => [e.depth ? `${e.on}: ${method(e.cb)} is called, inside of ${e.around}` : `The loop calls ${method(e.cb)} of ${e.on}`, "Until it returns, nothing else runs in this program. So it must never wait."],
  done: (e) => [`${e.on}: ${method(e.cb)} returns`, e.depth ? "The call around it goes on." : "The function is gone. What must be remembered is in the object."],
  error: (e) => [`${e.on} raises ${e.exc}: ${e.why}`, "The loop catches the exception and tells this object only: all others go on."],
  open: (e) => [e.depth ? `A new connection is accepted: ${e.on}, from ${e.peer}` : `${e.on} begins to connect to ${e.peer}`,
    `It has a socket, file descriptor ${e.fd}, and an object in its first state, ${e.state}. The selector does not watch it yet.`],
  state: (e) => [`${e.on} moves from ${e.was} to ${e.now}: ${e.why}`, "The state is all that the object knows about what comes next."],
  watch: (e) => [`${e.on} now waits ${e.now ? "to " + (TO.get(e.now) ?? e.now) : "for nothing"}`, e.now ? "The selector watches the socket for this, and will report it." : "The selector forgets the socket; otherwise it would report it again and again."],
  rx(e) {
    if (e.again) return [`${e.on}: recv() says: nothing there now`, "That is not an error. The selector will report it when something is there."];
    if (!e.bytes) return [`${e.on}: recv() returns the end of the stream`, "The other end sends nothing more. We still may."];
    return [`${e.on}: recv() returns ${counted(e.bytes, "byte")}: ${quoted(e.hex)}`, "These bytes have arrived, be it half a line or two. There is no waiting for the rest here."];
  },
  tx(e) {
    if (e.again) return [`${e.on}: send() says: no room now`, "That is not an error. The connection waits until it may write."];
    if (e.bytes < e.want) return [`${e.on}: send() takes ${e.bytes} of ${e.want} bytes: ${quoted(e.hex)}`, (e.chunk ? `Slow motion offers at most ${counted(e.chunk, "byte")} at a time (--chunk ${e.chunk}).` : "The kernel's buffer has no room for more.") + " The object keeps the rest." + parts(e)];
    return [`${e.on}: send() takes ${counted(e.bytes, "byte")}: ${quoted(e.hex)}`, "The kernel has them. That does not mean that they have been delivered."];
  },
  timer(e) {
    if (e.op === "set") return [`${e.on} sets a deadline: ${method(e.what)} in ${time(1000 * e.in_ms)}`, "It is now in the queue of deadlines. The loop never sleeps past the earliest one."];
    if (e.op === "cancel") return [`${e.on} cancels the deadline for ${method(e.what)}`, "It is taken out of the queue of deadlines."];
    return [`The deadline of ${e.on} for ${method(e.what)} has passed`, "Deadlines come after all that was ready: a client that spoke in time is not late."];
  },
  half: (e) => [`${e.on}: shutdown() ends our direction`, "The kernel has all bytes, the other end not yet. We keep reading until it ends its direction, too."],
  close: (e) => [`${e.on} is closed${e.how ? ": " + e.how : ""}`, "The file descriptor is free. The kernel will give its number to another socket."],
  turned: (e) => [`Turn ${e.k} is over`, "Everything that was ready has been served. The loop starts again from the top."],
  end: (e) => ["The program ends", e.dropped ? `${counted(e.dropped, "more event")} were not recorded.` : "Every event was recorded."],
}));

const words = (e) => WORDS.get(e.ev)?.(e) ?? [`${e.ev}: an event that this page does not know`, ""];
const sentence = (e) => words(e)[0];
