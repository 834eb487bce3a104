// Predict before you look: a question whose answer is the next event.
//
// Who only watches learns little; who says what will happen, and then looks, learns. So three kinds
// of event are asked for before they are shown, and answers are counted once.

/** Return the question that event `next` answers, at the moment of `view`; null if there is none. */
function question(view, next, role) {
  if (view.turn < 1) return null;
  if (next.ev === "wake") return whoWakes(view, next);
  if (next.ev === "state") return whichState(next, role);
  if (next.ev === "watch") return waitsForWhat(next);
  return null;
}

function whoWakes(view, next) {
  const ready = next.ready.map(([name]) => name);
  const watched = [...view.who.values()].filter((who) => who.watch).map((who) => who.name);
  const others = watched.filter((name) => !ready.includes(name)).slice(0, Math.max(1, 7 - ready.length));
  const shown = watched.filter((name) => ready.includes(name) || others.includes(name)).slice(0, 8);
  const answers = shown.map((name) => ({words: name, right: ready.includes(name)}));
  if (view.timeout !== null || !ready.length) answers.push({words: "nobody: the time is over", right: !ready.length});
  return {text: "Who wakes the loop?", answers};
}

function whichState(next, role) {
  const states = STATES[Object.hasOwn(STATES, role) ? role : "server"];
  const all = states.includes(next.now) ? states : [...states, next.now];
  return {text: `Which state comes next for ${next.on}?`, answers: all.map((state) => ({words: state, right: state === next.now}))};
}

function waitsForWhat(next) {
  const answers = [...TO].map(([what, words]) => ({words: what ? "to " + words : "for nothing", right: what === next.now}));
  return {text: `What will ${next.on} wait for now?`, answers};
}

/** The asking: whether it is on, what is asked now, and the score. */
class Asker {
  constructor() {
    this.on = false;
    this.pending = null; // the question that is on the page
    this.verdict = null; // {n, words}: what the last answer was worth, while one stays at event n
    this.asked = new Set(); // the events that were asked for: each counts once
    this.right = 0;
  }

  /** Ask for the event after `view`, unless it was asked for; tell whether there is a question. */
  ask(view, next, role) {
    if (!this.on || !next || this.asked.has(view.n + 1)) return false;
    this.pending = question(view, next, role);
    return this.pending !== null;
  }

  /** Judge the answer number `index` to the question that stands before event n. */
  answer(index, n) {
    const {answers} = this.pending;
    const solution = answers.filter((answer) => answer.right).map((answer) => answer.words).join(", ");
    const right = answers[index].right;
    this.right += right;
    this.asked.add(n);
    this.verdict = {n, right, words: right ? "Right." : `No, it is: ${solution}.`};
    this.pending = null;
  }

  score() {
    return this.on || this.asked.size ? `${this.right} of ${this.asked.size} right` : "";
  }
}
