// What moves: after a step ahead, what is new on the stage comes from where it was. The picture itself
// is drawn already, so with reduced motion nothing is missing.

const STILL = matchMedia("(prefers-reduced-motion: reduce)");

/** Return the rectangle of a thing on the stage, null if there is none. */
function place(key) {
  const found = document.querySelector(`#stage [data-key="${CSS.escape(key)}"]`);
  return found && {found, box: found.getBoundingClientRect()};
}

/** Return where everything is that could move. */
function places() {
  return new Map([...document.querySelectorAll("#stage [data-key]")].map((each) => [each.dataset.key, each.getBoundingClientRect()]));
}

/** Return what moves at this event, and from where: pairs of keys; `other` is the other end. */
function moves({last: e, objects}) {
  const all = [["thread", "thread"]];
  if (e.ev === "rx") all.push([`${e.on}/received`, `${e.on}/arrived`]);
  if (e.ev === "tx") all.push([`${e.on}/taken`, `${e.on}/unsent`, ".object"]);
  if (e.ev === "select") for (const name of objects.keys()) all.push([`${name}/got`, `${name}/taken`]);
  if (e.ev === "wake") for (const [name] of e.ready) all.push([`${name}/arrived`, "", ".other"]);
  return all;
}

/** Let what is new come from where it was in `before`, within `length` milliseconds. */
function move(view, before, length) {
  if (STILL.matches) return;
  for (const [key, from, fallback] of moves(view)) {
    const there = place(key);
    if (!there) continue;
    const start = before.get(from) ?? (fallback && there.found.closest(".row")?.querySelector(fallback)?.getBoundingClientRect());
    if (!start || !start.width) continue;
    const [x, y] = [start.left - there.box.left, start.top - there.box.top];
    if (Math.abs(x) + Math.abs(y) < 2) continue;
    there.found.animate([{transform: `translate(${x}px, ${y}px)`, zIndex: 9}, {transform: "none", zIndex: 9}], {duration: length, easing: "ease-in-out"});
  }
}
