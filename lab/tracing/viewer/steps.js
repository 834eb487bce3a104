// The steps: buttons, keys, slider, links, the file input. Whatever moves, ends in Page.show(n).

class Page {
  constructor({events, torn}) {
    this.events = events;
    this.story = new Story(events);
    this.asker = new Asker();
    const [run, last] = [events[0], events.at(-1)];
    const end = torn ? "last line torn" : last.ev === "end" ? "" : "no end: killed or crashed";
    const facts = [run.role, run.selector, "Python " + run.python, counted(events.length, "event"), counted(last.k, "turn"), time(last.t), end];
    put("run", facts.filter(Boolean).join(" · "));
    put("legend", ...[...MARKS].map(([kind, [, , words]]) => element("span", {}, drawing("svg", {width: 22, height: 22}, mark(kind, 11, 11)), words)), "solid lane: watched by the selector");
  }

  /** Show the moment after event n, or the nearest there is. */
  show(n) {
    this.view = fold(this.events, Math.min(Math.max(n, 1), this.events.length));
    this.view.role = this.events[0].role;
    this.asker.on = at("ask").checked;
    this.asker.pending = null;
    if (this.asker.verdict?.n !== this.view.n) this.asker.verdict = null;
    this.draw();
    remember(this.view.n);
  }

  draw() {
    const {view, asker} = this;
    drawNow(view, this.events.length, asker);
    this.story.show(view);
    drawLoop(view, this.story.names);
    drawConnection(view);
    drawCode(view);
    put("choices", ...(asker.pending?.answers ?? []).map(({words}, index) => {
      const button = element("button", {type: "button"}, element("kbd", {}, String(index + 1)), " " + words);
      button.onclick = () => this.answer(index);
      return button;
    }));
    put("score", asker.asked.size ? `${asker.right} of ${asker.asked.size} right` : "");
    document.body.className = `${asker.on ? "asking" : ""} ${asker.verdict ? (asker.verdict.right ? "right" : "wrong") : ""}`;
  }

  answer(index) {
    if (!this.asker.pending?.answers[index]) return;
    if (at("choices").contains(document.activeElement)) at("next").focus(); // the answers go away
    this.asker.answer(index, this.view.n + 1);
    this.show(this.view.n + 1);
  }

  /** Go to the next event, or ask for it. */
  next() {
    if (this.asker.pending) return at("choices").firstChild.focus();
    if (this.asker.ask(this.view, this.events[this.view.n])) return this.draw();
    this.show(this.view.n + 1);
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
}

// What each key does; its button names it.
const KEYS = {
  Home: () => page.show(1), ArrowLeft: () => page.show(page.view.n - 1), PageUp: () => page.turnBack(),
  End: () => page.show(page.events.length), ArrowRight: () => page.next(), PageDown: () => page.turnOn(),
};
let page = null;

/** Put event n into the address, once one stays there: browsers allow few changes a second. */
function remember(n) {
  clearTimeout(remember.timer);
  remember.timer = setTimeout(() => history.replaceState(null, "", `#e=${n}`), 150);
}

/** Return the number of the event that the address names; 1 if it names none. */
const addressed = () => Number(/^#e=(\d{1,9})$/.exec(location.hash)?.[1] ?? 1);

/** Show the trace in `text` from event n on; if it is none, say so in one line. */
function open(text, n) {
  try {
    page = new Page(read(text));
    page.show(n);
  } catch (error) {
    if (!(error instanceof NoTrace)) throw error;
    put("sentence", error.message);
    put("note", "");
  }
}

function press(key) {
  const typing = key.target.closest("input:not([type=checkbox])");
  if (!page || typing || key.ctrlKey || key.altKey || key.metaKey || key.shiftKey) return;
  if (/^[1-9]$/.test(key.key)) page.answer(Number(key.key) - 1);
  if (!Object.hasOwn(KEYS, key.key)) return;
  key.preventDefault();
  KEYS[key.key]();
}

for (const button of document.querySelectorAll("nav button")) button.onclick = () => page && KEYS[button.ariaKeyShortcuts]();
at("slider").oninput = () => page?.show(Number(at("slider").value));
at("ask").onchange = () => page?.show(page.view.n);
at("file").onchange = async () => {
  const [file] = at("file").files;
  if (file) open(await file.text(), 1);
  at("file").value = ""; // so that the same file can be opened once more
};
window.onhashchange = () => page?.show(addressed());
document.onkeydown = press;
open(at("trace").textContent, addressed());
