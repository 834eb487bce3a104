// The view: everything that the page shows about the moment after event number n.
//
// It is a fold: begin with nothing, let each of the events 1 to n change it. Nothing else goes into
// it, so it does not matter how one came to n, and a step back is a fold that ends earlier.

function nobody(name) {
  return {name, watch: "", state: "", path: [], why: "", wire: [], deadlines: new Map(), isConnection: false, closed: null, peer: "", fd: null};
}

function begin() {
  return {n: 0, t: 0, turn: 0, doing: "begin", timeout: null, ready: new Map(), stack: [], who: new Map(), focus: null, last: null};
}

/** Return who is called `name`, a new one if nobody is yet. */
function actor(view, name) {
  if (!view.who.has(name)) view.who.set(name, nobody(name));
  return view.who.get(name);
}

// What each kind of event changes. `me` is whom it is about, for those that are about somebody.
const CHANGES = new Map(Object.entries({
  select(view, e) {
    view.doing = "asleep";
    view.timeout = e.timeout_ms;
    view.ready.clear();
    view.stack = [];
  },
  wake(view, e) {
    view.doing = "awake";
    for (const [name, what] of e.ready) view.ready.set(name, what);
  },
  call(view, e) {
    view.doing = "calls";
    view.stack.push(e);
  },
  error(view) { view.doing = "calls"; },
  done(view) { view.stack.pop(); },
  turned(view) { view.doing = "turned"; },
  end(view) { view.doing = "over"; },
  open(view, e, me) {
    Object.assign(me, nobody(me.name), {isConnection: true, peer: e.peer, fd: e.fd, state: e.state, path: [e.state]});
  },
  state(view, e, me) {
    me.state = e.now;
    me.why = e.why;
    me.path.push(e.now);
  },
  watch(view, e, me) { me.watch = e.now; },
  rx(view, e, me) { me.wire.push({...e, n: view.n}); },
  tx(view, e, me) { me.wire.push({...e, n: view.n}); },
  timer(view, e, me) {
    if (e.op === "set") me.deadlines.set(e.what, e.t + 1000 * e.in_ms);
    else me.deadlines.delete(e.what);
    if (e.op === "fire") view.doing = "calls";
  },
  close(view, e, me) {
    me.closed = e.how;
    me.watch = "";
  },
}));

function apply(view, e) {
  view.n += 1;
  view.t = e.t;
  view.turn = e.k;
  view.last = e;
  const me = e.on === undefined ? null : actor(view, e.on);
  if (CHANGES.has(e.ev)) CHANGES.get(e.ev)(view, e, me);
  if (me?.isConnection) view.focus = me.name;
}

/** Return the view after event number n. */
function fold(events, n) {
  const view = begin();
  for (const e of events.slice(0, n)) apply(view, e);
  return view;
}

/** Return everybody who ever acts, in the order of the lanes: the loop, who listens, connections, the rest. */
function everybody(events) {
  const found = new Map([["loop", 0]]);
  for (const e of events) {
    for (const name of [e.on, ...e.ready.map(([ready]) => ready)]) {
      if (name === undefined) continue;
      if (e.ev === "open") found.set(name, 2);
      else if (!found.has(name)) found.set(name, name.startsWith("listener") ? 1 : 3);
    }
  }
  return [...found].sort(([, one], [, other]) => one - other).map(([name]) => name);
}
