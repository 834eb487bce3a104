// Predict before you look: a question whose answer is the next event.
//
// Who only watches learns little; who says what will happen, and then looks, learns. So three kinds
// of event are asked for before they are shown.

/** Return the question that the event `next` answers, at the moment of `view`; null: there is none. */
function question(view, next) {
  if (view.turn < 1) return null;
  if (next.ev === "wake") return whoWakes(view, next);
  if (next.ev === "state") return choice(`Which state comes next for ${next.on}?`, STATES.get(view.role) ?? [next.was, next.now], next.now);
  if (next.ev === "watch") return choice(`What will ${next.on} wait for now?`, TO.keys(), next.now, (what) => what ? "to " + TO.get(what) : "for nothing");
  return null;
}

function choice(text, all, right, say = (one) => one) {
  return {text, answers: [...all].map((one) => ({words: say(one), right: one === right}))};
}

/** Ask for one of those who are ready, among seven of those who are watched. */
function whoWakes(view, next) {
  const ready = new Set(next.ready.map(([name]) => name));
  const watched = [...view.who.values()].filter((who) => who.watch).map((who) => who.name);
  const some = [...watched.filter((name) => ready.has(name)), ...watched.filter((name) => !ready.has(name))].slice(0, 7);
  const answers = watched.filter((name) => some.includes(name)).map((name) => ({words: name, right: ready.has(name)}));
  if (view.timeout !== null) answers.push({words: "nobody: the time is over", right: !ready.size});
  return {text: "Who wakes the loop?", answers};
}

class Asker {
  constructor() {
    this.on = false;
    this.pending = null; // the question on the page
    this.verdict = null; // on the last answer, as long as one stays at its event n
    this.asked = new Set(); // the events that were asked for: each counts once
    this.right = 0;
  }

  /** Ask for the event after `view`, unless that was done; tell whether there is a question now. */
  ask(view, next) {
    const found = this.on && next && !this.asked.has(view.n + 1) ? question(view, next) : null;
    this.pending = found?.answers.some((one) => one.right) ? found : null;
    return this.pending !== null;
  }

  /** Judge the answer number `index` to the question for event n. */
  answer(index, n) {
    const {answers} = this.pending;
    const right = answers[index].right;
    const solution = answers.filter((one) => one.right).map((one) => one.words).join(" or ");
    this.right += right;
    this.asked.add(n);
    this.verdict = {n, right, words: right ? "Right." : `No: ${solution}.`};
  }
}
