// The code: the line that runs at this event, and the call stack. Both are recorded, and not guessed.
// For a trace without them, the names of the calls are shown.

const SOURCES = new Map(Object.entries(JSON.parse(at("sources").textContent))); // file: its text

class Code {
  constructor() {
    this.file = null; // whose lines are in the page
    this.chosen = null; // the number of the frame that the user looks at; null: the one that runs
  }

  show(view) {
    this.chosen = null;
    this.draw(view);
  }

  draw(view) {
    const stack = view.last.stack;
    const running = runs(view.last);
    unfit();
    const looked = this.chosen ?? running;
    if (!stack.length) return this.drawNames(view);
    put("stack", ...stack.map((frame, index) => {
      const button = element("button", {type: "button", class: index === running ? "running" : "", "aria-pressed": String(index === looked), title: `${frame.name}: ${frame.file}, line ${frame.line}`}, ...named(frame.name));
      button.onclick = () => {
        this.chosen = index;
        this.draw(view);
        at("stack").children[index].firstChild.focus();
      };
      return element("li", {}, button);
    }));
    this.drawSource(stack, looked, running);
  }

  /** Without recorded lines: only the names of the calls. */
  drawNames(view) {
    const names = [...view.turn ? ["Reactor.turn"] : [], ...view.calls.map((call) => call.cb)];
    put("stack", ...names.map((name, index) => element("li", {class: index === names.length - 1 ? "running" : ""}, name)));
    put("code-title", "The calls");
    put("source", element("li", {class: "none"}, view.last.ev === "run" || !names.length ? "No call has begun." : "This trace was recorded without stacks."));
    this.file = null;
  }

  drawSource(stack, looked, running) {
    const {file, line, name} = stack[looked];
    put("code-title", `${looked === running ? "The line that runs" : "The line in between"}: ${file}, line ${line}`);
    if (!inside(stack[looked])) {
      put("source", element("li", {class: "none"}, `${name}: this page does not have this version of ${file}.`));
      this.file = null;
      return;
    }
    if (file !== this.file) put("source", ...linesOf(file));
    this.file = file;
    for (const old of at("source").querySelectorAll(".now, .waits")) old.className = "";
    for (const frame of stack) if (frame.file === file) at("source").children[frame.line - 1]?.setAttribute("class", "waits");
    const lit = at("source").children[line - 1];
    lit?.setAttribute("class", "now");
    bring(lit);
  }
}

/** Return the name of a function; on a small screen the style hides its class. */
function named(name) {
  const dot = name.lastIndexOf(".") + 1;
  return [element("i", {}, name.slice(0, dot)), name.slice(dot)];
}

/** Return the number of the frame that runs. If the last one is only entered, that is the one before
 * it: the line with the call. But a handler that is called is looked at from its first line on. */
function runs({ev, stack}) {
  const {file, line} = stack.at(-1) ?? {};
  const entered = /^\s*(async )?(def|@)/.test(SOURCES.get(file)?.split("\n")[line - 1] ?? "");
  return entered && ev !== "call" && stack.length > 1 ? stack.length - 2 : stack.length - 1;
}

/** Return whether the line of a frame is in its function, in the source of this page: if not, the
 * trace was recorded with another version. */
function inside({file, line, name}) {
  const lines = SOURCES.get(file)?.split("\n") ?? [];
  let deep = Infinity;
  for (let at = line - 1; at >= 0 && at < lines.length; at -= 1) {
    const indent = lines[at].search(/\S/);
    if (/^\s*@/.test(lines[at]) && at === line - 1) return true;
    const [, defined] = /^\s*(?:async )?def (\w+)/.exec(lines[at]) ?? [];
    if (defined && (indent < deep || at === line - 1)) return defined === name.split(".").at(-1);
    if (indent >= 0) deep = Math.min(deep, indent);
  }
  return false;
}

/** Undo what bring() has done. */
function unfit() {
  if (at("source-pane").hasAttribute("style")) at("source-pane").removeAttribute("style");
}

/** Bring a line in sight, and cut no other one through, neither at the top nor at the bottom. */
function bring(lit) {
  unfit();
  const pane = at("source-pane");
  const room = pane.clientHeight;
  const lines = [...at("source").children];
  const wanted = Math.min((lit?.offsetTop ?? 0) - 0.42 * room, pane.scrollHeight - room);
  const top = lines.find((line) => line.offsetTop >= wanted)?.offsetTop ?? 0;
  const last = lines.findLast((line) => line.offsetTop + line.offsetHeight <= top + room);
  const used = last ? last.offsetTop + last.offsetHeight - top : room;
  pane.style.maxHeight = `${used}px`;
  pane.style.marginBottom = `${room - used}px`;
  pane.scrollTop = top;
}

/** Return code as texts between which a line may be broken: after "(" and before a name's ".". */
function breakable(code) {
  return code.split(/(?<=\()(?!\))|(?=\.[a-z_])/).flatMap((text, index) => index ? [element("wbr"), text] : [text]);
}

/** Return the lines of a file, each an item; comments are paler. */
function linesOf(file) {
  return SOURCES.get(file).trimEnd().split("\n").map((text) => {
    const [, code, comment] = /^((?:[^"'#]|"[^"]*"|'[^']*')*?)(#.*)?$/.exec(text) ?? ["", text, ""];
    const made = element("li", {class: ""}, element("code", {}, ...breakable(code), ...comment ? [element("i", {}, comment)] : []));
    made.style.setProperty("--deep", `calc(44px + ${text.search(/\S|$/) + 4}ch)`);
    return made;
  });
}
