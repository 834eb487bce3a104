// Where everything is in the overview, from left to right: the same as layout.py, line by line, for
// traces that Python has not seen. A test compares the two.

const [GAP, SLOT, PAD] = [44, 25, 6]; // widths: of a sleep, of a mark, of a turn beside its marks

class Layout {
  /** Place events[from] up to events[to], which come after the moment of `view`. */
  constructor(events, from, to, view, left) {
    Object.assign(this, {left, x: left, columns: [], boxes: [], bands: [], marks: [], lanes: [], calls: [], states: new Map(), watched: new Map(), fired: false, places: []});
    this.beginAt(view);
    for (const e of events.slice(from, to)) {
      this.place(e);
      this.places.push(this.head(e));
    }
    this.finish();
  }

  /** Earlier events are not drawn, but they count: for what is watched, open calls, and states. */
  beginAt(view) {
    for (const {name, watch, state, closed} of view.objects.values()) {
      if (watch) this.watched.set(name, watch);
      if (state && closed === null) this.states.set(name, {on: name, state, x: this.x, end: 0, how: ""});
    }
    if (view.phase === "asleep") this.openColumn("asleep", view.turn, GAP, new Map(this.watched));
    else if (view.phase && view.phase !== "turned") this.openColumn("turn", view.turn, PAD);
    for (const {on, cb} of view.calls) {
      this.lane(on);
      this.calls.push({on, cb, caller: this.calls.at(-1)?.on ?? "", x: this.left, end: 0});
    }
  }

  head(e) {
    if (e.ev === "select") return this.x - GAP / 2;
    const x = this.x - Math.floor(SLOT / 2);
    return this.marks.at(-1)?.x === x ? x : this.x;
  }

  place(e) {
    const me = e.on ?? "";
    if (e.ev === "select") this.sleep(e);
    else if (e.ev === "wake") this.wake(e);
    else if (e.ev === "turned") this.closeColumn();
    else if (e.ev === "watch") this.watched.set(me, e.now);
    else if (e.ev === "call") this.call(e, me);
    else if (e.ev === "done") this.calls.length && this.comeBack();
    else this.act(e, me);
  }

  act(e, me) {
    if (e.ev === "open") {
      this.lane(me);
      this.mark(e, this.calls.at(-1)?.on ?? me, "accept", "");
      this.beginState(me, e.state);
    } else if (e.ev === "state") this.beginState(me, e.now);
    else if (e.ev === "rx") this.mark(e, me, "recv", e.again ? "later" : e.bytes ? String(e.bytes) : "end");
    else if (e.ev === "tx") this.mark(e, me, "send", e.again ? "later" : String(e.bytes));
    else if (e.ev === "half" || e.ev === "error") this.mark(e, me, e.ev, "");
    else if (e.ev === "timer" && e.op === "fire") this.fired = true;
    else if (e.ev === "close") {
      this.mark(e, me, "close", "");
      this.endState(me, e.how.split(":")[0].slice(0, 12));
    }
  }

  lane(on) {
    if (!this.lanes.includes(on)) this.lanes.push(on);
  }

  sleep(e) {
    this.closeColumn();
    this.openColumn("asleep", e.k, GAP, new Map([...this.watched].filter(([, interest]) => interest)));
    this.columns.at(-1).since = e.t;
  }

  wake(e) {
    const column = this.columns.at(-1);
    if (column?.kind === "asleep" && !column.end) Object.assign(column, {slept: e.slept, ready: new Map(e.ready)});
    for (const [name] of e.ready) this.lane(name);
    this.closeColumn();
    this.openColumn("turn", e.k, PAD);
  }

  openColumn(kind, k, width, watched = new Map()) {
    this.columns.push({kind, k, x: this.x, end: 0, slept: 0, watched, ready: new Map()});
    this.x += width;
  }

  /** Make sure that there is a column: something may be done before and after all turns. */
  column() {
    const last = this.columns.at(-1);
    if (!last || last.end) this.openColumn("outside", last?.k ?? 0, PAD);
  }

  closeColumn() {
    const column = this.columns.at(-1);
    if (!column || column.end) return;
    if (column.kind !== "asleep") this.x = Math.max(this.x, column.x + PAD + SLOT) + PAD;
    column.end = this.x;
  }

  mark(e, on, name, word) {
    this.lane(on);
    this.column();
    this.x += SLOT;
    this.marks.push({on, e, glyph: name, word, x: this.x - Math.floor(SLOT / 2)});
  }

  call(e, me) {
    this.lane(me);
    this.column();
    this.calls.push({on: me, cb: e.cb, caller: this.calls.at(-1)?.on ?? "", x: this.x, end: 0});
    if (this.fired) this.mark(e, me, "fire", "");
    this.fired = false;
  }

  /** End the latest call; a call in which nothing is to be seen has a place all the same. */
  comeBack() {
    const box = this.calls.pop();
    if (this.x === box.x) this.mark(null, box.on, "work", "");
    box.end = this.x;
    this.boxes.push(box);
  }

  beginState(on, state) {
    this.endState(on);
    this.states.set(on, {on, state, x: this.x, end: 0, how: ""});
  }

  endState(on, how = "") {
    const band = this.states.get(on);
    this.states.delete(on);
    if (band) this.bands.push(Object.assign(band, {end: this.x, how}));
  }

  /** Let what is still open reach to the right edge. */
  finish() {
    this.closeColumn();
    for (const on of [...this.states.keys()]) this.endState(on);
    while (this.calls.length) this.comeBack();
  }
}
