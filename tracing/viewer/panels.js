// The panels: the loop and what it watches, one connection and its octets, the code that runs.
// Each takes the view and draws all of its panel anew.

const PHASES = [["asleep", "sleep"], ["awake", "who is ready"], ["calls", "call them"], ["turned", "turn over"]];
const STATES = {server: ["HELLO_SENT", "SENDING", "DONE"], client: ["CONNECTING", "HELLO_EXPECTED", "RECEIVING", "DONE"]};
const WIDTH = 8; // octets in a row of the dump
const MANY = 8; // rows of the table, beyond which those that are closed are left out

const SOURCES = JSON.parse(at("sources").textContent);

function put(id, ...children) {
  at(id).replaceChildren(...children);
}

/** Draw where in its turn the loop is, and whom it watches. */
function drawLoop(view) {
  const phases = PHASES.map(([doing, words]) => element("li", doing === view.doing ? {"aria-current": "true"} : {}, words));
  put("phases", ...phases);
  put("loop-title", view.turn ? `The loop, turn ${view.turn}` : "The loop, before its first turn");
  let all = [...view.who.values()].filter((who) => who.watch || who.isConnection || who.deadlines.size);
  if (all.length > MANY) all = all.filter((who) => who.closed === null);
  put("watched", ...all.sort((one, other) => one.isConnection - other.isConnection).map((who) => watched(view, who)));
}

/** Return the row of the table for one who is watched, or was. */
function watched(view, who) {
  const earliest = Math.min(...who.deadlines.values());
  const left = earliest < Infinity ? "in " + time(earliest - view.t) : "";
  const waits = who.closed !== null ? "" : TO.get(who.watch) ?? who.watch;
  const ready = view.ready.has(who.name) ? TO.get(view.ready.get(who.name)) ?? "?" : "";
  const row = element("tr", who.name === view.last.on ? {class: "acting"} : {});
  row.append(element("th", {scope: "row"}, who.name), element("td", {}, who.closed === null ? who.state : "closed"));
  row.append(element("td", {class: who.watch ? "" : "none"}, waits), element("td", {class: "ready"}, ready), element("td", {}, left));
  return row;
}

/** Draw the state diagram and the octets of the connection that acted last. */
function drawConnection(view) {
  const who = view.who.get(view.focus);
  put("connection-title", who ? `${who.name}, with ${who.peer}` : "No connection yet");
  const role = Object.hasOwn(STATES, view.role) ? view.role : "server";
  const now = who ? (who.closed === null ? who.state : "closed") : "";
  put("states", ...[...STATES[role], "closed"].map((state) => {
    const made = element("li", {"data-state": state}, state);
    if (who?.path.includes(state)) made.className = "past";
    if (state === now) made.setAttribute("aria-current", "true");
    return made;
  }));
  put("reason", reason(who));
  put("wire", ...(who?.wire ?? []).map((piece) => wire(view, piece)));
  const pane = at("wire");
  pane.scrollTop = pane.scrollHeight;
}

function reason(who) {
  if (!who) return "";
  if (who.closed !== null) return `closed${who.closed ? ": " + who.closed : ""}`;
  return who.why ? `in ${who.state}, because ${who.why}` : `in ${who.state} from the beginning`;
}

/** Return the dump of what one recv or send moved. */
function wire(view, e) {
  const all = octets(e.hex);
  const verb = e.ev === "rx" ? "received" : "sent";
  const count = e.again ? "not now" : e.bytes || e.ev === "tx" ? counted(e.bytes, "octet") : "the end of the stream";
  const rest = e.ev === "tx" && e.bytes < e.want ? ` of ${e.want}` : "";
  const made = element("div", {class: "piece " + e.ev}, element("h3", {}, e.again ? `${verb}: ${count}` : `${verb} ${count}${rest}`));
  for (let at = 0; at < all.length; at += WIDTH) {
    const row = all.slice(at, at + WIDTH);
    const hex = row.map((octet) => octet.toString(16).padStart(2, "0")).join(" ");
    made.append(element("code", {}, hex.padEnd(3 * WIDTH + 1), element("b", {}, row.map((octet) => shown(octet, false)).join(""))));
  }
  if (e.n === view.n) made.classList.add("now");
  return made;
}

// Which line of a method an event comes from, as far as one line of that method says so.
const PLACES = {
  select: "selector.select(", wake: "on_wake(", turned: "after_turn(",
  rx: ".receive()", tx: ".send(", state: ".move(", watch: ".watch(", half: ".shutdown(", close: ".close()",
};

/** Draw the handler that runs, or the loop's own turn, and the handlers that called it. */
function drawCode(view) {
  const running = view.stack.map((call) => call.cb);
  const leaving = view.last.ev === "done" ? [view.last.cb] : [];
  const names = [...running, ...leaving];
  const name = names.at(-1) ?? "Reactor.turn";
  const found = Object.hasOwn(SOURCES, name) ? SOURCES[name] : null;
  put("code-title", found ? `The code that runs: ${found.file}, line ${found.line}` : "The code that runs");
  put("stack", ...["Reactor.turn", ...names].map((one) => element("span", one === name ? {class: "top"} : {}, one)));
  const lines = found ? found.text.split("\n") : [`(this page does not hold the source of ${name})`];
  const place = Object.hasOwn(PLACES, view.last.ev) ? PLACES[view.last.ev] : null;
  const hits = lines.filter((line) => place && line.includes(place));
  put("source", ...lines.map((line) => element("li", hits.length === 1 && line === hits[0] ? {class: "now"} : {}, element("code", {}, line || " "))));
  at("source").style.setProperty("--first", found ? found.line - 1 : 0);
}

/** Draw the sentence, the note, and where in the trace one is. */
function drawNow(view, length, question, verdict) {
  const said = question ? question.text : (verdict ? verdict + " " : "") + sentence(view.last);
  const status = at("sentence");
  if (status.textContent !== said) status.textContent = said;
  put("note", question ? `So far: ${sentence(view.last)}.` : note(view.last));
  put("where", `event ${view.n} of ${length}, turn ${view.turn}, ${time(view.t)}`);
  const slider = at("slider");
  slider.max = length;
  slider.value = view.n;
  slider.setAttribute("aria-valuetext", `event ${view.n}: ${sentence(view.last)}`);
}
