// The panels: the loop and whom it watches, one connection and its octets, the code that runs.
// Each is drawn anew from the view, all of it.

const PHASES = new Map([["asleep", "sleep"], ["awake", "who is ready?"], ["calls", "call them"], ["turned", "turn over"]]);
const STATES = new Map([["server", ["HELLO_SENT", "SENDING", "DONE"]], ["client", ["CONNECTING", "HELLO_EXPECTED", "RECEIVING", "DONE"]]]);
const WIDTH = 8; // octets in a row of the dump
const MANY = 8; // rows of the table; if there are more, who is closed is left out

const SOURCES = new Map(Object.entries(JSON.parse(at("sources").textContent)));

function put(id, ...children) {
  at(id).replaceChildren(...children);
}

/** Return a list item of a diagram, lit if it is the current one. */
function box(words, lit, attributes = {}) {
  return element("li", lit ? {...attributes, "aria-current": "true"} : attributes, words);
}

function drawLoop(view, names) {
  put("loop-title", view.turn ? `The loop, turn ${view.turn}` : "The loop, before its first turn");
  put("phases", ...[...PHASES].map(([doing, words]) => box(words, doing === view.doing)));
  const all = names.filter((name) => view.who.has(name)).map((name) => view.who.get(name));
  const some = all.filter((who) => who.watch || who.peer !== null || who.deadlines.size);
  const shown = some.length > MANY ? some.filter((who) => who.closed === null) : some;
  put("watched", ...shown.map((who) => watched(view, who)));
  at("watching").scrollTop = (document.querySelector(".acts")?.offsetTop ?? 0) - 90;
}

/** Return the row of the table for one who is watched, or was. */
function watched(view, who) {
  const earliest = Math.min(...who.deadlines.values());
  const cells = [
    who.closed === null ? who.state : "closed",
    who.closed === null ? TO.get(who.watch) ?? who.watch : "",
    view.ready.has(who.name) ? TO.get(view.ready.get(who.name)) ?? "?" : "",
    earliest < Infinity ? time(earliest - view.t) : "",
  ];
  const acts = who.name === view.last.on;
  return element("tr", {class: acts ? "acts" : ""}, element("th", {scope: "row"}, who.name), ...cells.map((cell) => element("td", {}, cell)));
}

function drawConnection(view) {
  const who = view.focus;
  put("connection-title", who ? `${who.name}, with ${who.peer}` : "No connection yet");
  const now = who?.closed === null ? who.state : "closed";
  const states = [...STATES.get(view.role) ?? STATES.get("server"), "closed"];
  put("states", ...states.map((state) => box(state, who && state === now, {"data-state": state, class: who?.path.includes(state) ? "past" : ""})));
  put("reason", !who ? "" : who.closed !== null ? `closed: ${who.closed}` : who.why);
  put("wire", ...(who?.wire ?? []).map((piece) => wire(view, piece)));
  at("wire").scrollTop = at("wire").scrollHeight;
}

/** Return the dump of what one recv or send moved. */
function wire(view, e) {
  const all = octets(e.hex);
  const verb = e.ev === "rx" ? "received" : "sent";
  const what = e.again ? "not now" : e.ev === "rx" && !e.bytes ? "end of stream" : counted(e.bytes, "octet");
  const made = element("div", {class: `piece ${e.ev} ${e.n === view.n ? "now" : ""}`}, element("h3", {}, `${verb}: ${what}`));
  for (let start = 0; start < all.length; start += WIDTH) {
    const row = all.slice(start, start + WIDTH);
    const text = row.map((octet) => printable(octet) ? String.fromCharCode(octet) : ".").join("");
    made.append(element("code", {}, row.map(hexadecimal).join(" ").padEnd(3 * WIDTH + 1) + text));
  }
  return made;
}

// What the line of the source looks like that an event comes from, if it is in the method that runs.
const PLACES = new Map(Object.entries({
  select: "self.select(", turned: 'self.trace("turned")', rx: ".receive()", tx: ".send(", state: ".move(", watch: ".watch(", half: ".shutdown(", close: ".close()",
}));

/** Draw the method that runs, or the loop's own turn, and by way of whom it was called. */
function drawCode(view) {
  const names = ["Reactor.turn", ...view.stack.map((call) => call.cb), ...(view.last.ev === "done" ? [view.last.cb] : [])];
  const name = names.at(-1);
  const {file, line, text} = SOURCES.get(name) ?? {file: "not in this page", line: 1, text: ""};
  put("code-title", `The code that runs: ${file}, line ${line}`);
  put("stack", ...names.map((one) => element("span", {class: one === name ? "top" : ""}, one)));
  const lines = text.split("\n");
  const hits = lines.filter((each) => each.includes(PLACES.get(view.last.ev)));
  put("source", ...lines.map((each) => element("li", {class: hits.length === 1 && each === hits[0] ? "now" : ""}, element("code", {}, each))));
  at("source").style.setProperty("--before", line - 1);
  at("source").parentElement.scrollTop = 20 * lines.indexOf(hits[0]) - 60; // in the middle; 20: page.css
}

/** Draw the sentence and the note, or the question; and where in the trace one is. */
function drawNow(view, length, asker) {
  const [said, note] = words(view.last);
  const verdict = asker.verdict ? asker.verdict.words + " " : "";
  put("sentence", asker.pending ? asker.pending.text : verdict + said);
  put("note", asker.pending ? `So far: ${said}` : note);
  put("where", `event ${view.n} of ${length}, turn ${view.turn}, ${time(view.t)}`);
  const slider = at("slider");
  slider.max = length;
  slider.value = view.n;
  slider.setAttribute("aria-valuetext", `event ${view.n}: ${said}`);
}
