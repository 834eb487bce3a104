// Elements, and the signs: the drawings that stand for the kinds of events in every picture.

const SIGNS = JSON.parse(at("signs").textContent); // of signs.py: {glyphs, legend, ...}

/** Make an element: name, attributes, then children, which are elements or texts. */
function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** Make a part of a drawing. */
function drawing(name, attributes = {}, ...children) {
  return fill(document.createElementNS(at("overview").namespaceURI, name), attributes, children);
}

function fill(made, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** Let the element `id` have these children and no others. */
function put(id, ...children) {
  at(id).replaceChildren(...children);
}

/** Draw a sign around the point x, y. */
function glyph(name, x, y) {
  return drawing("path", {class: "glyph " + name, transform: `translate(${x} ${y})`, d: SIGNS.glyphs[name]});
}

const signOf = (e) => SIGNS.events[e.ev === "timer" ? e.op : e.ev];

/** Draw a sign for a line of text. */
function sign(name) {
  const made = drawing("svg", {class: "lanes sign", viewBox: "-8 -8 16 16", "aria-hidden": "true"});
  if (Object.hasOwn(SIGNS.glyphs, name ?? "")) made.append(glyph(name, 0, 0));
  return made;
}

/** Return the class of a state, which gives it its colour. */
const colourOf = (state) => Object.hasOwn(SIGNS.states, state) ? SIGNS.states[state] : "other";
