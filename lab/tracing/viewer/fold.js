// The view: all that the page shows about the moment after event number n.
//
// It is a fold: begin with nothing, let each of the events 1 to n change it. Nothing else goes into
// it, so it does not matter how one came to n, and a step back is a fold that ends earlier.

function begin() {
  return {n: 0, t: 0, turn: 0, doing: "", timeout: null, ready: new Map(), stack: [], who: new Map(), focus: null, last: null};
}

/** Return one of whom nothing is known yet. `focus`, above, names the connection that acted last. */
function nobody(name) {
  return {name, watch: "", state: "", path: [], why: "", wire: [], deadlines: new Map(), peer: null, closed: null};
}

// What each kind of event changes; `me` is whom it is about.
const CHANGES = new Map(Object.entries({
  select(view, e) {
    Object.assign(view, {doing: "asleep", timeout: e.timeout_ms, ready: new Map(), stack: []});
  },
  wake(view, e) {
    view.doing = "awake";
    view.ready = new Map(e.ready);
  },
  call(view, e) {
    view.doing = "calls";
    view.stack.push(e);
  },
  done: (view) => view.stack.pop(),
  turned(view) { view.doing = "turned"; },
  end(view) { view.doing = "over"; },
  open: (view, e, me) => Object.assign(me, nobody(me.name), {peer: e.peer, state: e.state, path: [e.state]}),
  state(view, e, me) {
    Object.assign(me, {state: e.now, why: e.why});
    me.path.push(e.now);
  },
  watch(view, e, me) { me.watch = e.now; },
  rx: (view, e, me) => me.wire.push({...e, n: view.n}),
  tx: (view, e, me) => me.wire.push({...e, n: view.n}),
  timer(view, e, me) {
    if (e.op === "set") me.deadlines.set(e.what, e.t + 1000 * e.in_ms);
    else me.deadlines.delete(e.what);
    if (e.op === "fire") view.doing = "calls";
  },
  close: (view, e, me) => Object.assign(me, {closed: e.how, watch: ""}),
}));

/** Change `view` by the next event. */
function apply(view, e) {
  Object.assign(view, {n: view.n + 1, t: e.t, turn: e.k, last: e});
  if (e.on !== undefined && !view.who.has(e.on)) view.who.set(e.on, nobody(e.on));
  const me = view.who.get(e.on) ?? nobody("");
  CHANGES.get(e.ev)?.(view, e, me);
  if (me.peer !== null) view.focus = me;
}

/** Return the view after event number n. */
function fold(events, n) {
  const view = begin();
  for (const e of events.slice(0, n)) apply(view, e);
  return view;
}

/** Return all who ever act, in the order of the lanes: the loop, listeners, connections, the rest. */
function everybody(events) {
  const ranks = new Map([["loop", 0]]);
  for (const e of events) {
    for (const name of [e.on, ...e.ready.map(([name]) => name)]) {
      if (name !== undefined && !ranks.has(name)) ranks.set(name, name.startsWith("listener") ? 1 : 3);
    }
    if (e.ev === "open") ranks.set(e.on, 2);
  }
  return [...ranks.keys()].sort((one, other) => ranks.get(one) - ranks.get(other));
}
