// The steps: buttons, keys, slider, links, the file input. Whatever moves, ends in Page.show(n).

class Page {
  constructor({events, torn}) {
    this.events = events;
    this.role = events[0].role;
    this.torn = torn;
    this.asker = new Asker();
    this.story = new Story(events);
    this.view = null;
    put("run", this.summary());
    put("legend", ...LEGEND.map(([kind, words, letter]) => legend(kind, words, letter)));
  }

  summary() {
    const first = this.events[0];
    const last = this.events.at(-1);
    const parts = [first.role, first.selector, "Python " + first.python, counted(this.events.length, "event"), counted(last.k, "turn"), time(last.t)];
    if (this.torn) parts.push("the last line is torn: the program ended in the middle of it");
    else if (last.ev !== "end") parts.push("no end: the program was killed, or has crashed");
    return parts.join(" · ");
  }

  /** Show the moment after event n: the nearest there is. */
  show(n) {
    this.view = fold(this.events, Math.min(Math.max(n, 1), this.events.length));
    this.view.role = this.role;
    this.asker.pending = null;
    if (this.asker.verdict?.n !== this.view.n) this.asker.verdict = null;
    this.draw();
    remember(this.view.n);
  }

  draw() {
    const {view, asker} = this;
    drawNow(view, this.events.length, asker.pending, asker.verdict?.words);
    this.story.show(view);
    drawLoop(view);
    drawConnection(view);
    drawCode(view);
    this.drawAnswers();
    put("score", asker.score());
    document.body.classList.toggle("asking", asker.on);
    document.body.dataset.verdict = asker.verdict ? (asker.verdict.right ? "right" : "wrong") : "";
    document.body.dataset.event = view.n;
  }

  drawAnswers() {
    const answers = this.asker.pending?.answers ?? [];
    put("choices", ...answers.map((answer, index) => {
      const button = element("button", {type: "button"}, element("kbd", {}, String(index + 1)), answer.words);
      button.onclick = () => this.answer(index);
      return button;
    }));
    at("choices").hidden = !answers.length;
    at("note").hidden = false;
  }

  answer(index) {
    if (!this.asker.pending?.answers[index]) return;
    const n = this.view.n + 1;
    this.asker.answer(index, n);
    this.show(n);
  }

  /** One event on; with "Ask me first", perhaps a question instead. Tell whether it moved. */
  next() {
    if (this.asker.pending) {
      document.querySelector("#choices button").focus();
      return false;
    }
    if (this.asker.ask(this.view, this.events[this.view.n], this.role)) {
      this.draw();
      return false;
    }
    this.show(this.view.n + 1);
    return true;
  }

  /** To the end of this turn or, from there, of the next. A question on the way stops it. */
  turnOn() {
    const end = this.turnEnd(this.view.n + 1);
    if (!this.asker.on) return this.show(end);
    while (this.view.n < end && this.next());
  }

  /** Return the number of the first event from n on that ends a turn. */
  turnEnd(n) {
    const index = this.events.findIndex((e, at) => at + 1 >= n && e.ev === "turned");
    return index < 0 ? this.events.length : index + 1;
  }

  /** To the end of the turn before. */
  turnBack() {
    const index = this.events.findLastIndex((e, at) => at + 1 < this.view.n && e.ev === "turned");
    this.show(index < 0 ? 1 : index + 1);
  }

  go(where) {
    const steps = {
      first: () => this.show(1), last: () => this.show(this.events.length),
      back: () => this.show(this.view.n - 1), next: () => this.next(),
      "turn-back": () => this.turnBack(), "turn-on": () => this.turnOn(),
    };
    steps[where]();
  }
}

function legend(kind, words, letter) {
  const svg = drawing("svg", {width: 22, height: 22, "aria-hidden": "true"}, mark(kind, 11, 11, letter));
  return element("span", {}, svg, words);
}

/** Put event n into the address, once one has come to rest: browsers allow few changes a second. */
function remember(n) {
  clearTimeout(remember.timer);
  remember.timer = setTimeout(() => history.replaceState(null, "", `#e=${n}`), 150);
}

/** Return the number of the event that the address names; 1 if it names none. */
function addressed() {
  const found = /^#e=(\d{1,9})$/.exec(location.hash);
  return found ? Number(found[1]) : 1;
}

const KEYS = {ArrowRight: "next", ArrowLeft: "back", PageDown: "turn-on", PageUp: "turn-back", Home: "first", End: "last"};
let page = null;

/** Show the trace in `text`, at event n; if it is none, say so in one line. */
function open(text, n) {
  try {
    page = new Page(read(text));
  } catch (error) {
    if (!(error instanceof NoTrace)) throw error;
    put("sentence", error.message);
    document.body.classList.add("failed");
    return;
  }
  document.body.classList.remove("failed");
  page.show(n);
}

for (const button of document.querySelectorAll("[data-go]")) button.onclick = () => page?.go(button.dataset.go);
at("slider").oninput = (change) => page?.show(Number(change.target.value));
at("ask").onchange = (change) => {
  if (!page) return;
  page.asker.on = change.target.checked;
  page.show(page.view.n);
};
at("file").onchange = async (change) => {
  const [file] = change.target.files;
  change.target.value = ""; // so that the same file can be opened once more
  if (file) open(await file.text(), 1);
};
window.onhashchange = () => page?.show(addressed());
document.onkeydown = (key) => {
  const typing = key.target.closest("input:not([type=checkbox]), textarea, select");
  if (!page || typing || key.ctrlKey || key.altKey || key.metaKey || key.shiftKey) return;
  if (/^[1-9]$/.test(key.key)) page.answer(Number(key.key) - 1);
  if (!Object.hasOwn(KEYS, key.key)) return;
  key.preventDefault();
  page.go(KEYS[key.key]);
};

open(at("trace").textContent, addressed());
