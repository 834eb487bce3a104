// The view: all that the page shows about the moment after event number n.
//
// It is a fold: begin with nothing, and let the events 1 to n change it. So a view does not depend on
// how you came to n, and a step back is a shorter fold. One view in EVERY is kept to fold from.

const EVERY = 1000;
const KEPT = 40; // pieces of a connection's conversation

function begin() {
  return {n: 0, t: 0, turn: 0, phase: "", timeout: null, ready: new Map(), calls: [], objects: new Map(), moving: new Set(), focus: null, last: null};
}

/** Return an object about which nothing is known yet. */
function nobody(name) {
  return {
    name, watch: "", state: "", why: "", wire: [], due: new Map(), peer: null, closed: null, closedIn: 0,
    arrived: null, taken: "", sent: 0, heard: "", received: "", unsent: 0, full: false, half: false, ended: false, failed: false, onWay: 0,
  };
}

/** Return what is left of received bytes once they have led to the state `now`: a server's object
 * forgets the hello; a client's keeps what came after it. */
function kept(received, now) {
  if (now !== "RECEIVING") return "";
  const end = bytes(received).indexOf(10);
  return end < 0 ? "" : received.slice(2 * end + 2);
}

// What each kind of event changes in the view; what it returns changes in its object, `me`.
const CHANGES = new Map(Object.entries({
  select(view, e) {
    Object.assign(view, {phase: "asleep", timeout: e.timeout_ms, ready: new Map(), calls: []});
    for (const name of view.moving) change(view, name, {taken: "", onWay: 0, arrived: null});
    view.moving.clear();
  },
  wake(view, e) {
    view.phase = "awake";
    view.ready = new Map(e.ready);
    view.focus = e.ready.map(([name]) => name).find((name) => view.objects.get(name)?.peer) ?? view.focus;
    for (const [name, what] of e.ready) {
      if (what.includes("r")) change(view, name, {arrived: e.arrives.get(name) ?? {opens: name.startsWith("listener") ? e.opens ?? 0 : 0, hex: ""}});
    }
  },
  call(view, e) {
    if (!view.calls.length) {
      view.phase = view.last?.op === "fire" ? "deadlines" : "calls";
      const rest = (view.ready.get(e.on) ?? "").replace(/on_readable$/.test(e.cb) ? "r" : /on_writable$/.test(e.cb) ? "w" : "-", "");
      if (rest) view.ready.set(e.on, rest);
      else view.ready.delete(e.on);
    }
    view.calls.push(e);
  },
  done(view) { view.calls.pop(); },
  turned: (view) => { Object.assign(view, {phase: "turned", ready: new Map(), calls: []}); },
  end(view) { view.phase = "over"; },
  open(view, e) {
    const from = view.objects.get(view.calls.at(-1)?.on);
    if (from?.arrived?.opens) change(view, from.name, {arrived: {...from.arrived, opens: from.arrived.opens - 1}});
    return {...nobody(e.on), peer: e.peer, state: e.state};
  },
  state: (view, e, me) => ({state: e.now, why: e.why, received: kept(me.received, e.now)}),
  watch: (view, e) => ({watch: e.now}),
  rx: (view, e, me) => ({wire: said(view, e, me), arrived: null, received: (me.state === "DONE" ? "" : me.received + e.hex).slice(-512), ended: me.ended || !e.bytes && !e.again}),
  tx: (view, e, me) => ({wire: said(view, e, me), taken: (me.taken + e.hex).slice(-512), heard: (me.heard + e.hex).slice(-512), sent: me.sent + e.bytes, onWay: me.onWay + e.bytes, unsent: e.want - e.bytes, full: Boolean(e.again)}),
  error: () => ({failed: true}),
  half: () => ({half: true}),
  timer(view, e, me) {
    if (e.op === "fire") view.phase = "deadlines";
    const due = new Map(me.due);
    if (e.op === "set") due.set(e.what, e.t + 1000 * e.in_ms);
    else due.delete(e.what);
    return {due};
  },
  close: (view, e) => ({closed: e.how, closedIn: view.turn, watch: "", arrived: null, unsent: 0, received: ""}),
}));

const said = (view, e, me) => [...me.wire, {e, n: view.n}].slice(-KEPT);

/** Replace an object; none is ever changed, so that views can share them. */
function change(view, name, patch) {
  const made = {...view.objects.get(name) ?? nobody(name), ...patch};
  view.objects.set(name, made);
  if (made.taken || made.arrived) view.moving.add(name); // until the loop sleeps again
  return made;
}

/** Change `view` by the next event. */
function apply(view, e) {
  Object.assign(view, {n: view.n + 1, t: e.t, turn: e.k});
  if (e.on === undefined) CHANGES.get(e.ev)?.(view, e, nobody(""));
  else {
    const me = view.objects.get(e.on) ?? change(view, e.on, {});
    const patch = CHANGES.get(e.ev)?.(view, e, me);
    if (patch) change(view, e.on, patch);
    if (view.objects.get(e.on).peer !== null) view.focus = e.on;
  }
  view.last = e;
}

const copied = (view) => ({...view, ready: new Map(view.ready), calls: [...view.calls], objects: new Map(view.objects), moving: new Set(view.moving)});

/** All views of a run. */
class Views {
  #kept = [begin()];

  constructor(events) {
    this.events = events;
  }

  /** Return the view after event number n. */
  after(n) {
    const from = Math.min(Math.floor(n / EVERY), this.#kept.length - 1);
    const view = copied(this.#kept[from]);
    for (let i = from * EVERY; i < n; i += 1) {
      apply(view, this.events[i]);
      if ((i + 1) / EVERY === this.#kept.length) this.#kept.push(copied(view));
    }
    return view;
  }
}
