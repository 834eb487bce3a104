// The stage: the other ends, the kernel, the wall, and our program with its one thread. It is drawn
// from the view; move.js then moves what is new.

const PHASES = new Map(Object.entries({ // and what the loop does then
  asleep: ["asleep", ""], awake: ["what is ready?", "has a list of what is ready"], calls: ["call handlers", "takes the next one"],
  deadlines: ["deadlines", "handles deadlines"], turned: ["turn over", "starts again"],
}));
const ROWS = 8; // of sockets; the busy ones come first
const FLAGS = 12;

/** Return the name of the object in whose method the thread is; "": in the loop itself. */
const actor = (view) => view.calls.at(-1)?.on ?? "";

/** Return the objects that have a row, in order, and how many have none. */
function cast(view, run) {
  const acts = actor(view);
  const all = [...view.objects.values()].filter((me) => me.watch || me.peer !== null || me.name === acts);
  const weight = (me) => (me.name === acts || me.name === view.last.on) * 8 + view.ready.has(me.name) * 4 + (me.closed === null) * 2 + (me.peer === null) + (me.closedIn === view.turn);
  const chosen = all.length > ROWS ? all.toSorted((one, other) => weight(other) - weight(one)).slice(0, ROWS) : all;
  return [chosen.sort((one, other) => run.rank(one.name) - run.rank(other.name)), all.length - chosen.length];
}

/** A piece of data, as text. `key` names it for move.js. */
function chip(kind, key, words, title = words) {
  return element("span", {class: "chip " + kind, "data-key": key, title}, words);
}

/** Bytes as they are shown on a chip: a line feed is a sign of its own. */
const flat = (hex) => shown(hex, 90).replaceAll("\\n", "\u21b5");

const cell = (kind, label, ...inside) => element("div", {role: "cell", class: kind, "data-label": label}, ...inside);

function arrived(me) {
  const {arrived: found, name, ended} = me;
  if (!found) return ended && me.closed === null ? [element("span", {class: "soft"}, "ended")] : [];
  const key = name + "/arrived";
  if (found.opens) return [chip("in", key, `${found.opens} new`, `to accept: ${counted(found.opens, "connection")}`)];
  if (found.opens === 0) return name.startsWith("listener") ? [] : [chip("in", key, "something")];
  return [found.bytes ? chip("in", key, flat(found.hex)) : chip("in", key, "end of stream")];
}

function lamps(view, me) {
  const ready = view.ready.get(me.name) ?? "";
  return ["r", "w"].map((letter) => {
    const [lit, on] = [ready.includes(letter) && me.watch.includes(letter), me.watch.includes(letter)];
    const serves = !lit && view.calls[0]?.on === me.name && view.calls[0].cb.endsWith({r: "on_readable", w: "on_writable"}[letter]);
    const words = serves ? `was ready to ${TO.get(letter)}, and is served` : `${lit ? "ready" : on ? "waits" : "does not wait"} to ${TO.get(letter)}`;
    return element("span", {class: `lamp ${on ? "on" : ""} ${lit ? "lit" : ""} ${serves ? "serves" : ""}`, title: words}, letter, element("span", {class: "unseen"}, ` ${words}`));
  });
}

/** At the left: the other end, and the bytes that it got. */
function otherEnd(me, role) {
  if (me.peer === null) return [element("span", {class: "soft"}, me.name.startsWith("listener") ? "new clients" : me.name === "signals" ? "Ctrl+C" : "")];
  const got = me.heard.slice(0, me.heard.length - me.taken.length);
  const words = role === "client" ? "server" : me.name.replace(/^c(?=\d)/, "client ");
  return [element("span", {class: "end", title: me.peer}, words), ...got.length > 28 ? [element("small", {class: "soft"}, counted(me.sent - me.onWay, "byte"))] : [], ...got ? [chip("out got", me.name + "/got", (got.length > 28 ? "\u2026" : "") + flat(got.slice(-28)), `it was sent: ${flat(got)}`)] : []];
}

/** HELLO_SENT begins before the hello is sent: return whether that is still to come. */
const early = ({state, sent, unsent}) => state === "HELLO_SENT" && (unsent > 0 || !sent);

/** Return in words what an object does in its state. */
function doing(me) {
  const {state, failed} = me;
  return failed ? "has failed" : early(me) ? "accepted; hello not sent yet" : Object.hasOwn(SIGNS.doing, state) ? SIGNS.doing[state] : "";
}

function object(view, me) {
  if (me.peer === null) return [element("b", {}, me.name)];
  const open = me.closed === null;
  return [element("b", {}, me.name), element("span", {class: `state ${!open ? "gone" : early(me) ? "gone early" : colourOf(me.state)}`}, open ? me.state : "closed"),
    element("small", {}, open ? doing(me) : me.closed.split(":")[0])];
}

function held(view, me) {
  if (me.peer === null || me.closed !== null) return [];
  return [
    ...me.received ? [chip("in", me.name + "/received", flat(me.received), `received, not used yet: ${flat(me.received)}`)] : [],
    ...me.unsent ? [chip("out", me.name + "/unsent", `${me.unsent} to send`, `${me.unsent} bytes are still to be sent`)] : [],
  ];
}

/** The thread of our program: there is one, and it is in one row. */
const token = () => element("span", {class: "thread", "data-key": "thread", title: "the one thread"}, element("span", {class: "unseen"}, "the thread is here"));

function row(view, me, run) {
  const here = actor(view) === me.name;
  const taken = me.full ? [chip("out full", me.name + "/taken", "full")] : me.taken ? [chip("out", me.name + "/taken", flat(me.taken))] : [];
  const kinds = ["row", me.name === view.last.on ? "acts" : "", me.closed === null ? "" : "closed", here ? "here" : "", me.peer === null ? "plain" : ""];
  return element("div", {role: "row", class: kinds.filter(Boolean).join(" ")},
    cell("other", "", ...otherEnd(me, run.events[0].role)),
    cell("buffer in", "arrived, unread", ...arrived(me)),
    cell("buffer out", "on its way out", ...taken, ...me.half && me.closed === null ? [sign("half"), ...taken.length ? [] : [element("small", {class: "soft"}, "the end")]] : []),
    cell("lamps", "", ...lamps(view, me)),
    cell("rail", "", ...here ? [token()] : []),
    cell("object", "", ...object(view, me)),
    cell("held", "", ...held(view, me)));
}

function loopRow(view) {
  const most = view.timeout === null ? "with no limit" : view.timeout <= 0 ? "not at all" : `at most ${time(1000 * view.timeout)}`;
  const [call] = view.calls;
  const does = view.phase === "asleep" ? [element("b", {}, "z z z"), " " + most] : [call ? `runs ${call.on}.${method(call.cb)}` : view.last.ev === "wake" && !view.ready.size ? "nothing is ready" : PHASES.get(view.phase)?.[1] ?? "does not run"];
  return [cell("rail", "", ...actor(view) ? [] : [token()]), cell("object", "", element("b", {}, "the loop"), element("span", {class: "zzz"}, ...does))];
}

/** The deadlines, the earliest first: a flag for each. */
function flags(view) {
  const all = [...view.objects.values()].flatMap((me) => [...me.due].map(([what, due]) => ({name: me.name, what, due}))).sort((one, other) => one.due - other.due);
  const passed = view.last.ev === "timer" && view.last.op === "fire" ? [element("li", {class: "fire"}, sign("fire"), `${view.last.on}: now`)] : [];
  const drawn = all.slice(0, FLAGS).map(({name, what, due}) => element("li", {title: `${name}: ${method(what)}`, class: due <= view.t ? "over" : ""}, sign("flag"), `${name} ${due <= view.t ? "over" : time(due - view.t)}`));
  const rest = all.length > FLAGS ? [element("li", {}, `and ${all.length - FLAGS} more`)] : [];
  return [...passed, ...drawn, ...rest, ...!all.length && !passed.length ? [element("li", {class: "soft"}, "none")] : []];
}

function drawStage(view, run) {
  const [some, more] = cast(view, run);
  const asleep = view.phase === "asleep";
  at("stage").className = `${asleep ? "asleep" : ""} ${actor(view) ? "" : "in-loop"}`;
  put("loop-title", view.turn ? `the loop, turn ${view.turn}` : "the loop, before its first turn");
  const skips = view.timeout > 0 && [...view.objects.values()].some((me) => [...me.due.values()].some((due) => due <= view.t));
  const kind = (phase) => phase === view.phase ? {"aria-current": "true"} : phase === "deadlines" && skips ? {class: "gone", title: "skipped: the deadline passed after this turn had begun"} : {};
  put("phases", ...[...PHASES].map(([phase, [words]]) => element("li", kind(phase), words)));
  put("loop-row", ...loopRow(view));
  at("cast").style.setProperty("--rows", some.length);
  put("cast", ...some.map((me) => row(view, me, run)));
  put("more", more ? `and ${counted(more, "more socket")}` : "");
  put("flags", ...flags(view));
}

// --- one connection, in full

const WIDTH = 8; // bytes in a row of the dump

function drawConnection(view) {
  const me = view.objects.get(view.focus);
  const about = view.last.on === me?.name || view.last.ready.some(([name]) => name === me?.name);
  put("connection-title", me ? `${about ? "" : "The latest connection: "}${me.name}, with ${me.peer}` : "No connection yet");
  put("reason", !me ? "" : me.closed !== null ? `closed: ${me.closed}` : me.why);
  put("wire", ...(me?.wire ?? []).map((piece) => wire(view, piece)));
  at("wire").scrollTop = at("wire").scrollHeight;
}

/** Return the dump of what one recv or send moved. */
function wire(view, {e, n}) {
  const all = bytes(e.hex);
  const verb = e.ev === "rx" ? "received" : "sent";
  const what = e.again ? "not now" : e.ev === "rx" && !e.bytes ? "end of stream" : counted(e.bytes, "byte");
  const made = element("div", {class: `piece ${e.ev} ${n === view.n ? "now" : ""}`}, element("h3", {}, sign(signOf(e)), `${verb}: ${what}`));
  for (let start = 0; start < all.length; start += WIDTH) {
    const row = all.slice(start, start + WIDTH);
    const text = row.map((byte) => printable(byte) ? String.fromCharCode(byte) : ".").join("");
    made.append(element("code", {}, row.map(hexadecimal).join(" ").padEnd(3 * WIDTH + 1) + text));
  }
  return made;
}
