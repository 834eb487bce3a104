// The steps: buttons, keys, slider, links, the file input, play. All of them end in Page.show(n).

class Page {
  constructor(run) {
    this.run = run;
    this.views = new Views(run.events);
    this.views.after(run.events.length); // once, so that every step is short
    this.parts = {overview: new Overview(run, this.views), list: new List(run), code: new Code()};
    this.asker = new Asker();
    this.playing = 0; // the timer of the next step
    put("legend", ...Object.entries(SIGNS.legend).map(([name, words]) => element("span", {}, sign(name), words)));
    put("states", ...Object.entries(SIGNS.states).map(([state, kind]) => element("span", {class: "state " + kind}, state)));
    this.facts();
  }

  /** Take more lines of a run; if the page shows its last event, follow it. Else nothing is drawn
   * again that has not changed: the reader may be busy with it. */
  feed(text) {
    const {view: {n}, parts, events} = this;
    const follows = n === events.length;
    this.run.feed(text);
    this.facts();
    if (follows && n < events.length) return this.show(events.length, true);
    this.drawWhere();
    this.view = this.views.after(n); // what had arrived at a wake-up is known from a later recv()
    drawStage(this.view, this.run);
    for (const part of [parts.overview, parts.list]) if (part.load(n)) part.show(this.view, true);
  }

  get events() { return this.run.events; }

  facts() {
    const {events, run} = this;
    const [first, last] = [events[0], events.at(-1)];
    const end = run.torn ? "last line torn" : last.ev === "end" ? "" : "no end: killed or crashed";
    const facts = [`what the event loop of a ${first.role} did in ${time(last.t)}`, first.selector, "Python " + first.python, counted(events.length, "event"), counted(last.k, "turn"), end];
    put("run", facts.filter(Boolean).join(" \u00b7 "));
  }

  /** Show the moment after event n, or the nearest there is. `ahead`: it is a step, so things move. */
  show(n, ahead = false) {
    this.view = this.views.after(Math.min(Math.max(n, 1), this.events.length));
    this.asker.on = at("ask").checked;
    this.asker.pending = null;
    if (this.asker.verdict?.n !== this.view.n) this.asker.verdict = null;
    this.draw(ahead);
    remember(this.view.n);
  }

  draw(ahead = false) {
    const {view, asker, run, parts} = this;
    const before = ahead ? places() : null;
    this.drawNow();
    drawStage(view, run);
    parts.overview.show(view, !ahead);
    parts.code.show(view);
    parts.list.show(view);
    drawConnection(view);
    put("score", asker.asked.size ? `${asker.right} of ${asker.asked.size} right` : "");
    document.body.className = [asker.on ? "asking" : "", asker.pending ? "asked" : "", asker.verdict ? asker.verdict.right ? "right" : "wrong" : ""].join(" ");
    if (before) move(view, before, Math.min(500, 0.8 * this.pace(view.last)));
  }

  /** Fit into a window of another size what was made for the old one. Nothing else is drawn again:
   * the focus may be on it. */
  fit() {
    this.parts.overview.show(this.view, true);
    if (at("source").querySelector(".now")) bring(at("source").querySelector(".now"));
  }

  /** Draw the sentence and the note, or a question; and where in the run this is. */
  drawNow() {
    const {view, asker} = this;
    const [said, note] = words(view.last);
    put("sentence", asker.pending ? asker.pending.text : said);
    put("note", asker.pending ? "" : asker.verdict ? element("b", {}, asker.verdict.words) : note);
    put("choices", ...(asker.pending?.answers ?? []).map(({words: answer}, index) => {
      const button = element("button", {type: "button"}, element("kbd", {}, String(index + 1)), " " + answer);
      button.onclick = () => this.answer(index);
      return button;
    }));
    this.drawWhere();
  }

  drawWhere() {
    const {view, events} = this;
    put("where", `event ${view.n} of ${events.length}`, element("i", {}, `, turn ${view.turn}, ${time(view.t)}`));
    fill(at("slider"), {max: events.length, "aria-valuetext": `event ${view.n}: ${sentence(view.last)}`}, []);
    at("slider").value = view.n;
  }

  answer(index) {
    if (!this.asker.pending?.answers[index]) return;
    if (at("choices").contains(document.activeElement)) at("next").focus(); // the answers go away
    this.asker.answer(index, this.view.n + 1);
    this.show(this.view.n + 1, true);
  }

  /** Go to the next event, or ask for it. */
  next() {
    if (this.asker.pending) return at("choices").firstChild.focus();
    if (this.asker.ask(this.view, this.events[this.view.n], this.events[0].role)) return this.draw();
    this.show(this.view.n + 1, true);
  }

  /** Go to where this turn ends or, from there, the next one. A question on the way stops us. */
  turnOn() {
    const {n} = this.view;
    const found = this.events.findIndex((e, index) => index >= n && e.ev === "turned");
    const end = found < 0 ? this.events.length : found + 1;
    if (!this.asker.on) this.show(end);
    else do this.next(); while (this.view.n < end && !this.asker.pending);
  }

  /** Go to where the turn before ends. */
  turnBack() {
    const {n} = this.view;
    this.show(this.events.findLastIndex((e, index) => index < n - 1 && e.ev === "turned") + 1);
  }

  // --- play

  /** Return how long to stay at an event, in milliseconds: sleep is longer than work. */
  pace(e) {
    const length = e.ev === "select" ? 1500 + 300 * Math.log10(1 + (e.sleeps ?? 0)) : ["call", "done", "turned"].includes(e.ev) ? 700 : 1100;
    return length / Number(at("speed").value);
  }

  play() {
    if (this.playing) return this.pause();
    if (this.view.n === this.events.length) this.show(1);
    put("play", "Pause");
    at("sentence").setAttribute("aria-live", "off"); // nobody can listen as fast as this
    this.playing = setTimeout(() => this.goOn(), this.pace(this.view.last));
  }

  pause() {
    clearTimeout(this.playing);
    this.playing = 0;
    put("play", "Play");
    at("sentence").setAttribute("aria-live", "polite");
  }

  /** Take a step, and plan the next one. An open question waits for its answer. */
  goOn() {
    if (!this.asker.pending) this.next();
    if (this.view.n === this.events.length) return this.pause();
    this.playing = setTimeout(() => this.goOn(), this.asker.pending ? 300 : this.pace(this.view.last));
  }

  /** Take a step by hand: this ends the play. */
  by(step) {
    this.pause();
    step();
  }
}

// What each key does; its button names it.
const KEYS = {
  Home: () => page.show(1), ArrowLeft: () => page.show(page.view.n - 1), PageUp: () => page.turnBack(),
  End: () => page.show(page.events.length), ArrowRight: () => page.next(), PageDown: () => page.turnOn(),
};
let page = null;

/** Put event n into the address a little later: browsers allow few changes a second. */
function remember(n) {
  clearTimeout(remember.timer);
  remember.timer = setTimeout(link, 150, n);
}

/** Put event n into the address; a srcdoc frame has none of its own, so its steps are no links. */
function link(n) {
  try {
    history.replaceState(null, "", `#e=${n}`);
  } catch { /* a SecurityError */ }
}

/** Return the number of the event that an address names; 1 if it names none. */
const addressed = (url) => Number(/^#e=(\d{1,9})$/.exec(new URL(url).hash)?.[1] ?? 1);

/** Show the trace in `text` from event n on. */
function open(text, n) {
  const run = new Run().feed(text).finish();
  page?.pause();
  page = new Page(run);
  page.show(n);
}

/** Call what takes a trace; if it is given none, say so in one line. Return whether it was one. */
function attempt(take, ...given) {
  try {
    take(...given);
    return true;
  } catch (error) {
    if (!(error instanceof NoTrace)) throw error;
    put("sentence", error.message);
    put("note");
    return false;
  }
}

function openFile(text) {
  if (text === null) throw new NoTrace("This file cannot be read.");
  open(text, 1);
}

function press(key) {
  const typing = key.target.closest("input:not([type=checkbox]), select");
  if (!page || typing || key.ctrlKey || key.altKey || key.metaKey || key.shiftKey) return;
  if (key.key === "Escape") at("key").open = false;
  if (/^[1-9]$/.test(key.key)) page.answer(Number(key.key) - 1);
  const plays = key.key === " " && !key.target.closest("button, a, input, label, summary");
  if (!plays && !Object.hasOwn(KEYS, key.key)) return;
  key.preventDefault();
  if (plays) page.play();
  else page.by(KEYS[key.key]);
}

for (const button of document.querySelectorAll("nav [data-key]")) {
  const {key} = button.dataset;
  button.setAttribute("aria-keyshortcuts", key);
  button.onclick = () => page?.by(KEYS[key]);
}
at("play").onclick = () => page?.play();
at("slider").oninput = () => page?.by(() => page.show(Number(at("slider").value)));
at("ask").onchange = () => page?.show(page.view.n);
let chosen = null; // the latest file
at("file").onchange = async () => {
  const [file] = at("file").files;
  at("file").value = ""; // so that the same file can be opened once more
  if (!file) return;
  chosen = file;
  const text = await file.text().catch(() => null);
  if (chosen === file) attempt(openFile, text); // else another one was chosen meanwhile
};
// The address may still name the very event of the link: then no hashchange would follow.
at("list").onclick = () => page && link(page.view.n);
// The address may have changed again since: remember() may have put the old event there.
window.onhashchange = ({newURL}) => page?.by(() => page.show(addressed(newURL)));
window.onresize = () => page?.fit();
document.onkeydown = press;
attempt(open, at("trace").textContent, addressed(location));
