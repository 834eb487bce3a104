// The list: every event in words, with its sign. Of a long trace only a part is in the page.

const SHOWN = 100; // events in the page at once, and OVERLAP more on both sides
const OVERLAP = 40;

class List {
  constructor(run) {
    this.run = run;
    this.from = this.to = null;
  }

  /** Put the events around number n into the page, unless they are there. Return whether they were not. */
  load(n) {
    const start = Math.floor((n - 1) / SHOWN) * SHOWN;
    const [from, to] = [Math.max(0, start - OVERLAP), Math.min(this.run.events.length, start + SHOWN + OVERLAP)];
    if (from === this.from && to === this.to) return false;
    Object.assign(this, {from, to});
    put("list", ...this.run.events.slice(from, to).map((e, index) => {
      const link = element("a", {href: `#e=${from + index + 1}`, tabindex: -1}, sentence(e));
      link.style.setProperty("--depth", Math.min(e.depth + !["select", "wake", "turned", "run", "end"].includes(e.ev), 4));
      return element("li", {class: e.ev}, sign(signOf(e)), link);
    }));
    at("list").style.setProperty("--before", from);
    return true;
  }

  show({n}) {
    this.load(n);
    for (const old of at("list").querySelectorAll("[aria-current]")) {
      old.removeAttribute("aria-current");
      old.lastChild.tabIndex = -1;
    }
    const item = at("list").children[n - 1 - this.from];
    item.setAttribute("aria-current", "step");
    item.lastChild.tabIndex = 0;
    const pane = at("list-pane"); // scrollIntoView would move the page as well
    pane.scrollTop = item.offsetTop - 0.4 * pane.clientHeight;
  }
}
