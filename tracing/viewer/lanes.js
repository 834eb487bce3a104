// The story: the list of events in words, and beside it a lane for each who acts.
//
// Downwards is order, not time: nearly all of the time the loop sleeps. The list holds the text; the
// drawing beside it is one SVG whose rows are as high as the list's, and says nothing that is not in
// the list. Of a long trace only a part is in the page, enough to scroll in.

const ROW = 24; // as in page.css
const PART = 500; // events in the page at once, and OVERLAP more on both sides
const OVERLAP = 50;

// The mark of each kind of event: its shape, its letter, and what the legend says.
const MARKS = {
  select: ["plain", "z", "sleeps"], wake: ["circle", "!", "wakes"], ready: ["circle", "r", "ready to read"],
  open: ["circle", "+", "opened"], rx: ["square", "R", "recv"], tx: ["square", "S", "send"],
  state: ["diamond", "D", "new state, its initial"], watch: ["pill", "W", "waits for something else"], timer: ["pill", "T", "deadline"],
  half: ["circle", "/", "ends its direction"], error: ["square", "E", "error"], close: ["circle", "x", "closed"],
};

/** Make an element: name, attributes, then children, which are elements or texts. */
function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** The same for a part of a drawing: its parser knows the namespace, so that no address stands here. */
function drawing(name, attributes = {}, ...children) {
  const made = document.createElementNS(at("lanes").namespaceURI, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Draw the mark of one kind of event round the point x, y: a shape, and a letter in it. */
function mark(kind, x, y, letter = MARKS[kind][1]) {
  const shapes = {
    circle: ["circle", {cx: x, cy: y, r: 8.5}],
    square: ["rect", {x: x - 8, y: y - 8, width: 16, height: 16, rx: 2}],
    pill: ["rect", {x: x - 9, y: y - 7.5, width: 18, height: 15, rx: 7.5}],
    diamond: ["path", {d: `M${x} ${y - 10.5}L${x + 10.5} ${y}L${x} ${y + 10.5}L${x - 10.5} ${y}Z`}],
    plain: ["rect", {x: x - 8, y: y - 8, width: 16, height: 16}],
  };
  const [name, attributes] = shapes[MARKS[kind][0]];
  return drawing("g", {class: "mark " + kind}, drawing(name, attributes), drawing("text", {x, y: y + 4}, letter));
}

/** Return the first and the last index, exclusive, of the events that stand in the page with number n. */
function part(n, length) {
  const from = Math.floor((n - 1) / PART) * PART;
  return [Math.max(0, from - OVERLAP), Math.min(length, from + PART + OVERLAP)];
}

/** Return the list items for events[from] up to events[to]. */
function items(events, from, to) {
  let depth = fold(events, from).stack.length;
  return events.slice(from, to).map((e, index) => {
    if (e.ev === "done") depth = Math.max(0, depth - 1);
    const link = element("a", {href: `#e=${from + index + 1}`, tabindex: -1}, sentence(e));
    const item = element("li", {value: from + index + 1, class: e.ev}, link);
    link.style.setProperty("--depth", Math.min(depth, 4));
    if (e.ev === "call") depth += 1;
    if (e.ev === "select") depth = 0;
    return item;
  });
}

/** Draw the lanes of events[from] up to events[to]; `x` tells where the lane of somebody is. */
function lanes(events, from, to, x) {
  const lines = drawing("g");
  const marks = drawing("g");
  const view = fold(events, from);
  const since = new Map(); // the row in which somebody began to wait for what he waits for now
  const calls = view.stack.map((e) => ({...e, row: -1}));
  let asleep = view.doing === "asleep" ? -1 : null;

  const middle = (row) => (row + 0.5) * ROW;
  const line = (name, row) => {
    const who = view.who.get(name);
    const style = who.watch ? "lane watched" : "lane";
    if (who.closed === null) lines.append(drawing("path", {class: style, d: `M${x(name)} ${middle(since.get(name) ?? -1)}V${middle(row)}`}));
    since.set(name, row);
  };
  const bar = (call, row) => {
    const inset = 3 * calls.filter((other) => other.on === call.on).length;
    lines.append(drawing("rect", {class: "call", x: x(call.on) - 12 + inset, width: 24 - 2 * inset, y: middle(call.row) - 10, height: middle(row) - middle(call.row) + 20, rx: 6}));
  };
  const sleep = (row) => lines.append(drawing("path", {class: "sleep", d: `M${x("loop")} ${middle(asleep)}V${middle(row)}`}));

  for (const [row, e] of events.slice(from, to).entries()) {
    const changes = e.ev === "watch" || e.ev === "close";
    if (changes && view.who.has(e.on)) line(e.on, row);
    if (e.on !== undefined && !view.who.has(e.on)) since.set(e.on, row);
    apply(view, e);
    if (e.ev === "call") calls.push({...e, row});
    if (e.ev === "done" && calls.length) bar(calls.pop(), row);
    if (e.ev === "select") asleep = row;
    if (e.ev === "wake") {
      if (asleep !== null) sleep(row);
      asleep = null;
      for (const [name, what] of e.ready) marks.append(drawing("g", {class: "mark ready"}, drawing("circle", {cx: x(name), cy: middle(row), r: 8}), drawing("text", {x: x(name), y: middle(row) + 4}, what)));
    }
    if (Object.hasOwn(MARKS, e.ev)) marks.append(mark(e.ev, x(e.on ?? "loop"), middle(row), e.ev === "state" ? e.now.slice(0, 1) : undefined));
  }
  const end = to - from;
  if (asleep !== null) sleep(end);
  while (calls.length) bar(calls.pop(), end);
  for (const name of view.who.keys()) line(name, end);
  return [lines, marks];
}

/** The story in the page. `show(view)` brings it to the moment of the view. */
class Story {
  constructor(events) {
    this.events = events;
    this.names = everybody(events);
    this.from = null;
    this.width = this.names.length > 9 ? 24 : 32; // of a lane
    this.x = (name) => (this.names.indexOf(name) + 0.5) * this.width;
    const names = at("names");
    names.style.setProperty("--lane", this.width + "px");
    names.replaceChildren(element("div", {}, ...this.names.map((name) => element("span", {}, name))));
  }

  fill(from, to) {
    const list = at("list");
    const svg = at("lanes");
    list.replaceChildren(...items(this.events, from, to));
    list.style.setProperty("--before", from);
    svg.setAttribute("width", this.names.length * this.width);
    svg.setAttribute("height", (to - from) * ROW);
    svg.replaceChildren(...lanes(this.events, from, to, this.x));
    this.from = from;
  }

  show(view) {
    const [from, to] = part(view.n, this.events.length);
    if (from !== this.from) this.fill(from, to);
    const list = at("list");
    for (const old of list.querySelectorAll("[aria-current]")) {
      old.removeAttribute("aria-current");
      old.firstChild.tabIndex = -1;
    }
    const item = list.children[view.n - 1 - from];
    item.setAttribute("aria-current", "step");
    item.firstChild.tabIndex = 0;
    at("lanes").style.setProperty("--top", item.offsetTop + "px");
    this.scroll(item.offsetTop, this.x(view.last.on ?? "loop"));
  }

  /** Let the current row stand in the upper middle, and its lane be seen. Not scrollIntoView: that moves the page, too. */
  scroll(top, lane) {
    const scroller = at("scroller");
    scroller.scrollTop = top - scroller.clientHeight * 0.4;
    const left = at("list").offsetWidth;
    const right = left + lane + this.width - scroller.clientWidth;
    scroller.scrollLeft = Math.max(0, right);
  }
}
