// The story: every event in words, and beside it a lane for each who acts.
//
// Downwards is order, not time: nearly all the time the loop sleeps. The drawing says nothing that
// the list does not say. Of a long trace only a part is in the page.

const ROW = 24; // as in page.css
const PART = 500; // events in the page at once, and OVERLAP more on both sides
const OVERLAP = 50;

// The mark of each kind of event: its shape, its letter, what the legend says.
const MARKS = new Map(Object.entries({
  select: ["plain", "z", "sleeps"], wake: ["circle", "!", "wakes"], ready: ["circle", "r", "ready"],
  open: ["circle", "+", "opened"], rx: ["square", "R", "recv"], tx: ["square", "S", "send"],
  state: ["diamond", "D", "new state"], watch: ["pill", "W", "waits for"], timer: ["pill", "T", "deadline"],
  half: ["circle", "/", "half closed"], error: ["square", "E", "error"], close: ["circle", "x", "closed"],
}));
const SHAPES = {
  circle: "M-8.5 0a8.5 8.5 0 1 0 17 0a8.5 8.5 0 1 0 -17 0Z", square: "M-8 -8H8V8H-8Z", diamond: "M-10.5 0L0 -10.5L10.5 0L0 10.5Z",
  pill: "M-3 -7.5H3A6 7.5 0 0 1 3 7.5H-3A6 7.5 0 0 1 -3 -7.5Z", plain: "M0 0",
};

/** Make an element: name, attributes, then children, which are elements or texts. */
function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for a part of a drawing. */
function drawing(name, attributes = {}, ...children) {
  return fill(document.createElementNS(at("lanes").namespaceURI, name), attributes, children);
}

function fill(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Draw the mark of a kind of event round the point x, y. */
function mark(kind, x, y, letter) {
  const [shape, usual] = MARKS.get(kind);
  return drawing("g", {class: "mark " + kind, transform: `translate(${x} ${y})`}, drawing("path", {d: SHAPES[shape]}), drawing("text", {y: 4}, letter ?? usual));
}

/** Return the list items for events[from] up to events[to]. */
function items(events, from, to) {
  const view = fold(events, from);
  return events.slice(from, to).map((e) => {
    const depth = view.stack.length - (e.ev === "done");
    apply(view, e);
    const link = element("a", {href: `#e=${view.n}`, tabindex: -1}, sentence(e));
    link.style.setProperty("--depth", Math.min(depth, 4));
    return element("li", {class: e.ev}, link);
  });
}

/** Draw the lanes of events[from] up to events[to]; `x` tells where somebody's lane is. */
function lanes(events, from, to, x) {
  const lines = drawing("g");
  const marks = drawing("g");
  const view = fold(events, from);
  const since = new Map(); // from which row on somebody waits for what he waits for now
  const calls = view.stack.map((e) => [e.on, -1]);
  let asleep = view.doing === "asleep" ? -1 : null;
  const middle = (row) => (row + 0.5) * ROW;
  const line = (style, name, first, last) => lines.append(drawing("path", {class: style, d: `M${x(name)} ${middle(first)}V${middle(last)}`}));
  const lane = ({name, watch, closed}, row) => {
    if (closed === null) line(watch ? "lane watched" : "lane", name, since.get(name) ?? -1, row);
    since.set(name, row);
  };
  const bar = ([name, first], row) => {
    const inset = 3 * calls.filter(([other]) => other === name).length;
    lines.append(drawing("rect", {class: "bar", x: x(name) - 12 + inset, width: 24 - 2 * inset, y: middle(first) - 10, height: middle(row) - middle(first) + 20, rx: 6}));
  };
  for (const [row, e] of events.slice(from, to).entries()) {
    if (!view.who.has(e.on)) since.set(e.on, row);
    else if (e.ev === "watch" || e.ev === "close") lane(view.who.get(e.on), row);
    if (e.ev === "call") calls.push([e.on, row]);
    if (e.ev === "done" && calls.length) bar(calls.pop(), row);
    if (e.ev === "wake" && asleep !== null) line("sleep", "loop", asleep + 0.4, row);
    if (e.ev === "select" || e.ev === "wake") asleep = e.ev === "select" ? row : null;
    if (MARKS.has(e.ev)) marks.append(mark(e.ev, x(e.on ?? "loop"), middle(row), e.ev === "state" ? e.now[0] : undefined));
    for (const [name, what] of e.ready) marks.append(mark("ready", x(name), middle(row), what));
    apply(view, e);
  }
  for (const call of calls.splice(0)) bar(call, to - from);
  for (const who of view.who.values()) lane(who, to - from);
  return [lines, marks];
}

/** The story in the page. */
class Story {
  constructor(events) {
    this.events = events;
    this.names = everybody(events);
    this.from = null;
    this.width = this.names.length > 8 ? 26 : 32; // of a lane
    this.x = (name) => (this.names.indexOf(name) + 0.5) * this.width; // its middle
    at("lane-names").style.setProperty("--lane", this.width + "px");
    put("lane-names", ...this.names.map((name) => element("span", {}, name)));
  }

  /** Put the events round number n into the page, unless they are there. */
  load(n) {
    const start = Math.floor((n - 1) / PART) * PART;
    const from = Math.max(0, start - OVERLAP);
    const to = Math.min(this.events.length, start + PART + OVERLAP);
    if (from === this.from) return;
    this.from = from;
    put("list", ...items(this.events, from, to));
    put("lanes", ...lanes(this.events, from, to, this.x));
    at("list").style.setProperty("--before", from);
    fill(at("lanes"), {width: this.names.length * this.width, height: (to - from) * ROW}, []);
  }

  show({n, last}) {
    this.load(n);
    for (const old of at("list").querySelectorAll("[aria-current]")) {
      old.removeAttribute("aria-current");
      old.firstChild.tabIndex = -1;
    }
    const row = n - 1 - this.from;
    const item = at("list").children[row];
    item.setAttribute("aria-current", "step");
    item.firstChild.tabIndex = 0;
    at("lanes").style.setProperty("--top", row * ROW + "px");
    const pane = at("scroller"); // and not scrollIntoView, which moves the page as well
    pane.scrollTop = row * ROW - 0.4 * pane.clientHeight;
    pane.scrollLeft = at("list").offsetWidth + this.x(last.on ?? "loop") + this.width - pane.clientWidth;
  }
}
