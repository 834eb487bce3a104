// The overview: lanes.svg of the run, flatter, with a head at the event that is shown. A click goes
// there. Of a long run one part is drawn at a time.

const PART = 150; // events in which something is drawn; then a new part begins, at a select
const LANES = 40; // drawn; nobody looks at more at once
const [TOP, LANE, LETTER] = [30, 23, 7]; // heights of the loop and of a lane; width of a letter
const DRAWN = new Set(["rx", "tx", "open", "close", "half", "error", "select"]);

class Overview {
  constructor(run, views) {
    Object.assign(this, {run, views, starts: [0], seen: 0, marks: 0, from: -1, to: -1});
    at("overview").onclick = (click) => page.show(this.nearest(click));
  }

  /** Find where the parts begin. */
  divide() {
    const {events} = this.run;
    for (; this.seen < events.length; this.seen += 1) {
      const {ev} = events[this.seen];
      if (this.marks > PART && (ev === "select" || this.marks > 2 * PART)) [this.marks] = [0, this.starts.push(this.seen)];
      this.marks += DRAWN.has(ev);
    }
  }

  /** Draw the part with event number n, unless it is there. Return whether it was not. */
  load(n) {
    this.divide();
    const part = this.starts.findLastIndex((start) => start < n);
    const [from, to] = [this.starts[Math.max(0, part)], this.starts[part + 1] ?? this.run.events.length];
    if (from === this.from && to === this.to) return false;
    Object.assign(this, {from, to});
    const names = this.run.events.slice(from, to).filter(({ev}) => ev === "call" || ev === "open").map(({on}) => String(on).length);
    const left = 26 + LETTER * Math.min(20, Math.max(8, ...names));
    this.layout = new Layout(this.run.events, from, to, this.views.after(from), left);
    this.draw(this.layout);
    return true;
  }

  draw(layout) {
    const lanes = layout.lanes.toSorted((one, other) => this.run.rank(one) - this.run.rank(other)).slice(0, LANES);
    const y = (on) => TOP + LANE * lanes.indexOf(on);
    const seen = ({on}) => lanes.includes(on);
    this.width = layout.x + 60;
    this.height = TOP + LANE * lanes.length + 4;
    this.y = y;
    const rect = (kind, x, top, width, height, rx, ...inside) => drawing("rect", {class: kind, x, y: top, width: Math.max(0, width), height, rx}, ...inside);
    const text = (kind, x, top, words) => drawing("text", {class: kind, x, y: top}, words);
    const turns = layout.columns.filter(({kind}) => kind !== "asleep");
    const sleeps = layout.columns.filter(({kind}) => kind === "asleep");
    fill(at("overview"), {viewBox: `0 -8 ${this.width} ${this.height + 8}`}, []);
    put("overview",
      ...turns.map(({x, end}) => rect("stripe", x, 0, end - x, this.height, 5)),
      ...lanes.map((on) => drawing("path", {class: "rule", d: `M14 ${y(on)}H${this.width - 14}`})),
      ...layout.bands.filter(seen).map(({on, state, x, end}) => rect(colourOf(state), x, y(on) + 16, end - x, 6, 3, drawing("title", {}, `${on}: ${state}`))),
      ...layout.bands.filter((band) => band.how && seen(band)).map(({on, how, end}) => text("quiet", end + 5, y(on) + 15, how)),
      ...layout.boxes.filter(seen).map(({on, cb, caller, x, end}) => {
        const from = lanes.includes(caller) ? y(caller) + 14 : 24;
        return drawing("g", {}, drawing("title", {}, cb), drawing("path", {class: "thread", d: `M${x + 7} ${from}V${Math.max(from, y(on) + 2)}`}), rect("box", x + 1, y(on) + 1, end - x - 2, 14, 5));
      }),
      drawing("g", {id: "head"}, drawing("path", {d: `M-9 25V${this.height}H9V25Z`}), drawing("path", {d: "M-5 -8H5L0 1Z"})),
      ...layout.marks.filter(seen).map(({on, e, glyph: name, x}) => {
        const made = drawing("g", {transform: `translate(${x} ${y(on) + 8}) scale(.85)`}, glyph(name, 0, 0));
        if (e) made.prepend(drawing("title", {}, sentence(e)));
        return made;
      }),
      ...turns.map((column) => rect("awake", column.x, 3, column.end - column.x, 20, 6)),
      ...turns.map(({kind, k, x, end}) => text("turn middle", (x + end) / 2, 17, kind === "outside" ? k ? "end" : "start" : end - x < 48 ? k : `turn ${k}`)),
      ...sleeps.map(({x, end, slept}) => drawing("g", {}, drawing("title", {}, `asleep for ${time(slept)}`), text("quiet middle", (x + end) / 2, 12, "asleep"), text("quiet middle", (x + end) / 2, 23, time(slept)))),
      ...sleeps.flatMap(({x, watched, ready}) => [...watched].filter(([on]) => lanes.includes(on)).map(([on, what]) => ready.has(on)
        ? drawing("g", {}, drawing("path", {class: "pill", d: `M${x + 13} ${y(on) + 1}h13l8 8-8 8h-13z`}), text("ready", x + 21, y(on) + 13, what))
        : text("waits", x + 22, y(on) + 12, what))),
      text("quiet end", layout.left - 12, 4, "not to scale"),
      text("name end", layout.left - 12, 18, "the loop"),
      ...lanes.map((on) => text("name end", layout.left - 12, y(on) + 13, on.slice(0, 20))),
      drawing("rect", {id: "later", y: -8, height: this.height + 8}),
      drawing("rect", {id: "cover", y: -8, height: this.height + 8}));
  }

  /** Move the head to event number n, and bring it in sight. */
  show({n, last}, jumped) {
    this.load(n);
    const x = this.layout.places[n - 1 - this.from];
    const pane = at("overview-pane");
    const scale = Math.max(0.56, Math.min(1, pane.clientHeight / (this.height + 8), pane.clientWidth / this.width));
    fill(at("overview"), {width: this.width * scale, height: (this.height + 8) * scale}, []);
    at("head").setAttribute("transform", `translate(${x} 0)`);
    const hide = (id, from) => fill(at(id), {x: from, width: Math.max(0, this.width - from)}, []);
    hide("cover", x + 12); // what is asked for
    hide("later", x + (last.ev === "select" ? GAP / 2 : 12)); // paler: what is to come
    const left = scale * x - pane.clientWidth / 2;
    const room = 0.3 * pane.clientWidth;
    if (Math.abs(left - pane.scrollLeft) > room) pane.scrollTo({left, behavior: jumped || STILL.matches ? "instant" : "smooth"});
    const top = scale * this.y(last.on ?? "");
    if (top > pane.clientHeight || pane.scrollTop) pane.scrollTop = top - pane.clientHeight / 2;
  }

  /** Return the number of the event that is nearest to the pointer. */
  nearest(click) {
    const box = at("overview").getBoundingClientRect();
    const x = (click.clientX - box.left) * this.width / box.width;
    const far = this.layout.places.map((place) => Math.abs(place - x));
    return this.from + 1 + far.indexOf(Math.min(...far));
  }
}
