// Predict before you look: a question about the next event, which the stage answers. No kind of question
// comes twice in a row. After each answer comes the reason, whether the answer was right or not.

const STATES = new Map([["server", ["HELLO_SENT", "SENDING", "DONE"]], ["client", ["CONNECTING", "HELLO_EXPECTED", "RECEIVING", "DONE"]]]);

const choice = (text, all, right, because) => ({text, because, answers: all.map((words, index) => ({words, right: index === right}))});

/** Return what is still to be served in this turn: [name, letter], in the selector's order. */
const waiting = (view) => [...view.ready].flatMap(([name, what]) => [...what].map((letter) => [name, letter])).filter(([name, letter]) => view.objects.get(name)?.watch.includes(letter));

// Each kind of question; null if the next event does not answer it.
const KINDS = new Map(Object.entries({
  /** How long may it sleep? The first deadline knows. */
  sleep(view, next) {
    if (next.ev !== "select" || next.k < 2) return null;
    const due = [...view.objects.values()].flatMap((me) => [...me.due.values()]);
    const right = next.timeout_ms === null ? 2 : next.timeout_ms > 0 ? 1 : 0;
    if ((right === 2) !== !due.length) return null;
    const because = ["A deadline has passed, so it only looks what is ready.", "It may sleep until the first deadline, and not longer.", "No deadline is set, so nothing limits its sleep."][right];
    return choice("The loop turns to select(). How long may it sleep at most?", ["not at all", "until the first deadline", "for ever"], right, because);
  },
  /** Which object does it call? The lamps know. */
  next(view, next) {
    if (view.calls.length || !["awake", "calls"].includes(view.phase) || !["call", "turned"].includes(next.ev)) return null;
    const queue = waiting(view);
    const watched = [...view.objects.values()].filter((me) => me.watch).map((me) => [me.name, me.watch[0]]);
    const some = [...queue, ...watched.filter(([name]) => !view.ready.has(name))].slice(0, 5).sort(([one], [other]) => one < other ? -1 : 1);
    const words = ([name, letter]) => `${name}.on_${letter === "r" ? "readable" : "writable"}()`;
    const right = next.ev === "turned" ? some.length : some.findIndex((each) => each === queue[0]);
    if (next.ev === "turned" ? queue.length : queue[0]?.[0] !== next.on) return null;
    const because = next.ev === "turned" ? "No lamp is filled any more: all that was ready has been served." : `A filled lamp is waiting to be served; ${queue[0][0]} is the first that the selector named.`;
    return choice("What does the loop do next?", [...some.map((each) => "call " + words(each)), "end this turn"], right, because);
  },
  /** What does recv return? The kernel's buffer knows. */
  recv(view, next) {
    const found = view.objects.get(next.on)?.arrived;
    if (next.ev !== "rx" || !found?.ev) return null;
    const text = quoted(next.hex);
    const all = [...new Set([text, '"HELLO 1\\n"'])].filter((each) => each !== '""');
    const options = [...all, "nothing: it would have to wait", "the end of the stream"];
    const right = next.again ? options.length - 2 : next.bytes ? options.indexOf(text) : options.length - 1;
    return choice(`recv() of ${next.on}: what does it return?`, options, right, "It returns what has arrived and is not read, be it much or little: the kernel's buffer shows it.");
  },
  /** Is that a hello? The object's bytes know. */
  judge(view, next) {
    const me = view.objects.get(next.on);
    if (view.last.ev !== "rx" || view.last.on !== next.on || me?.state !== "HELLO_SENT" || !me.received || view.last.again) return null;
    const right = {state: 0, done: 1, error: 2}[next.ev];
    if (right === undefined) return null;
    const because = ["A whole line, and a valid one: HELLO 1 and a line feed.", "It may still become a hello line, but its end has not come: the object keeps the bytes.", "No bytes that follow could make this a hello line."][right];
    return choice(`${next.on} has received ${quoted(me.received)}. What follows?`, ["the file is sent: the hello is complete", "nothing yet: it is only a part", "it is refused"], right, because);
  },
  /** What will it wait for? Its state and its unsent bytes know. */
  watch(view, next) {
    const me = view.objects.get(next.on);
    if (next.ev !== "watch" || !me?.state) return null;
    const right = ["r", "w", ""].indexOf(next.now);
    const because = next.now === "w" ? `${counted(me.unsent, "byte")} are still to be sent, so it waits for room.` : next.now ? `Nothing is left to send; in ${me.state} it wants to hear the other end.` : "It is about to be closed, and a closed socket must not stay in the selector.";
    return choice(`What does ${next.on} wait for from now on?`, ["to read", "to write", "for nothing"], right, because);
  },
  /** Which state? What has been sent and received knows. */
  state(view, next, role) {
    const all = STATES.get(role);
    if (next.ev !== "state" || !all?.includes(next.now)) return null;
    return choice(`${next.on} is in ${next.was}. Which state comes next?`, all, all.indexOf(next.now), `The reason in the table of protocol.py: ${next.why}.`);
  },
  /** Whose deadline? The first one in the queue knows. */
  due(view, next) {
    if (next.ev !== "timer" || next.op !== "fire") return null;
    const names = [...view.objects.values()].filter((me) => me.due.size || me.watch).map((me) => me.name);
    const some = [...new Set([next.on, ...names])].slice(0, 5).sort();
    return choice("A deadline has passed. Whose?", some, some.indexOf(next.on), "It was the earliest deadline, and its time is over.");
  },
}));

/** Return a question that the event `next` answers, or null. */
function question(view, next, role, but) {
  if (view.turn < 1) return null;
  for (const [kind, make] of KINDS) {
    const found = kind === but ? null : make(view, next, role);
    if (found?.answers.length > 1 && found.answers.filter((one) => one.right).length === 1) return {kind, ...found};
  }
  return null;
}

class Asker {
  on = false;
  pending = null; // the question on the page
  verdict = null; // on the last answer, as long as the page stays at its event n
  asked = new Set(); // the events that were asked for: each counts once
  right = 0;
  #kind = ""; // of the latest question

  /** Ask about the event after `view`, but once only; return whether there is a question now. */
  ask(view, next, role) {
    this.pending = this.on && next && !this.asked.has(view.n + 1) ? question(view, next, role, this.#kind) : null;
    return this.pending !== null;
  }

  /** Judge the answer number `index` to the question for event n. */
  answer(index, n) {
    const {answers, because, kind} = this.pending;
    const right = answers[index].right;
    this.right += right;
    this.asked.add(n);
    this.#kind = kind;
    this.verdict = {n, right, words: right ? `Right. ${because}` : `No, ${answers.find((one) => one.right).words}. ${because}`};
  }
}
