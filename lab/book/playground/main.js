// The page: the editor, the exercises, Run and Stop, the verdict, the stage, and the link to share.

import {basicSetup, EditorView} from "codemirror";
import {indentUnit} from "@codemirror/language";
import {EditorState} from "@codemirror/state";
import {python} from "@codemirror/lang-python";
import {oneDark} from "@codemirror/theme-one-dark";

const LIMIT = 10_000; // milliseconds for a run
const at = (id) => document.getElementById(id);
const data = JSON.parse(at("data").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)").matches;

// What is packed below the page.

function bytes(id) {
  const text = atob(at(id).textContent);
  const found = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) found[i] = text.charCodeAt(i);
  return found;
}

async function unzipped(id) {
  const stream = new Blob([bytes(id)]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// The files: as they are in eighty, as the exercise has them, as they are now.

let exercise = null;
let begun = {};
let edited = {};
let shown = null;
let visit = 0; // to an exercise or a link: what was run in an earlier one is not judged in this one

function opened(name) {
  visit += 1;
  exercise = data.exercises.find((each) => each.name === name) ?? null;
  begun = Object.fromEntries(data.editable.map((file) => [file, data.files[file]]));
  if (exercise) begun[exercise.file] = begun[exercise.file].replace(exercise.find, () => exercise.put);
  edited = {...begun};
  at("exercise").value = exercise?.name ?? "";
  at("text").textContent = exercise ? exercise.text : "Change what you like: a rule that no longer holds is named, with the event at which it broke.";
  at("hint").hidden = !exercise;
  at("hint").open = false;
  at("hint").lastElementChild.textContent = exercise?.hint ?? "";
  at("answer").hidden = !exercise;
  at("scene").value = exercise?.scene ?? "three";
  at("seed").value = exercise?.seed ?? 1;
  open(exercise?.file ?? "server.py");
  judged("", "");
}

const editor = new EditorView({parent: at("editor")});

function open(file) {
  shown = null; // what is set now is no edit
  editor.setState(EditorState.create({
    doc: edited[file],
    extensions: [
      basicSetup, python(), indentUnit.of("    "), dark ? oneDark : [],
      EditorView.contentAttributes.of({"aria-label": "Code"}),
      EditorView.updateListener.of((update) => { if (shown && update.docChanged) edited[shown] = update.state.doc.toString(); }),
    ],
  }));
  shown = file;
  at("file").value = file;
  editor.dispatch({effects: EditorView.scrollIntoView(exercise ? whereToLook(file) : 0, {y: "start"})});
}

/** Return the beginning of the method or class that an exercise is about: not the very line. */
function whereToLook(file) {
  if (file !== exercise.file) return 0;
  const text = data.files[file];
  const before = text.slice(0, text.indexOf(exercise.find));
  return Math.max(before.lastIndexOf("\nclass "), 0) + 1;
}

// Python.

let worker = null;
let timer = 0;
let asked = null; // a run that waits for Python
let running = false;
let ranIn = 0; // the visit in which the latest run began
let began = 0;
let parts = null;

async function start() {
  began = performance.now();
  at("run").disabled = true;
  parts ??= Promise.all(["worker", "wasm", "library"].map(unzipped));
  const [script, wasm, library] = await parts;
  worker?.terminate();
  const address = URL.createObjectURL(new Blob([script], {type: "text/javascript"}));
  worker = new Worker(address);
  worker.onmessage = ({data: said}) => heard(said);
  worker.onerror = (event) => say(`Python could not be started: ${event.message ?? "no worker"}`);
  worker.postMessage({pack: {wasm, library, lock: data.lock, boot: data.boot, files: data.files}});
}

function heard(said) {
  if (said.failed) say(`Python could not be started: ${said.failed}`);
  if (said.ready) {
    say(`Python ${said.ready} is ready, in ${seconds()}`);
    at("run").disabled = false;
    document.body.dataset.ready = "yes";
    if (asked) run();
  }
  if (said.found) finished(JSON.parse(said.found));
}

function seconds() {
  return `${((performance.now() - began) / 1000).toFixed(2)} s`;
}

function run() {
  if (running) return;
  asked = null;
  if (at("run").disabled) { asked = true; return; }
  running = true;
  ranIn = visit;
  began = performance.now();
  at("run").disabled = true;
  at("stop").hidden = false;
  delete document.body.dataset.ran;
  say("running…");
  timer = setTimeout(() => stop(`Stopped: no end after ${LIMIT / 1000} s. Does a loop run for ever?`), LIMIT);
  worker.postMessage({edited: JSON.stringify(edited), scene: at("scene").value, seed: Math.trunc(Number(at("seed").value)) || 0});
}

function over() {
  clearTimeout(timer);
  running = false;
  at("stop").hidden = true;
}

function stop(why) {
  over();
  if (ranIn === visit) judged(why, "broken");
  document.body.dataset.ran = "stopped";
  say("Python starts again…");
  delete document.body.dataset.ready;
  start();
}

function finished(found) {
  over();
  at("run").disabled = false;
  if (ranIn === visit) judged(found.verdict, found.broken ? "broken" : "held", found.error);
  if (ranIn === visit && found.page) stage(found.page, found.broken ? found.events : 1);
  say(`ran in ${seconds()}${found.events ? `, ${found.events} events` : ""}`);
  document.body.dataset.ran = found.broken ? "broken" : "held";
}

function judged(words, kind, error = "") {
  at("verdict").textContent = words;
  at("verdict").className = kind;
  at("error").textContent = error;
  at("error").hidden = !error;
  at("stage").hidden = true;
}

let stageAddress = "";

function stage(page, event) {
  if (stageAddress) URL.revokeObjectURL(stageAddress);
  stageAddress = URL.createObjectURL(new Blob([page], {type: "text/html"}));
  const frame = document.createElement("iframe");
  Object.assign(frame, {id: "stage", title: "The run, step by step", src: `${stageAddress}#e=${event}`});
  at("stage").replaceWith(frame);
}

function say(words) {
  at("status").textContent = words;
}

// Links: #exercise=interest, or an edit: only the files that differ, packed.

async function packed(value) {
  const stream = new Blob([JSON.stringify(value)]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const found = new Uint8Array(await new Response(stream).arrayBuffer());
  return btoa(String.fromCharCode(...found)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

async function unpacked(text) {
  const found = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
  const stream = new Blob([found]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  return JSON.parse(await new Response(stream).text());
}

async function share() {
  const files = Object.fromEntries(Object.entries(edited).filter(([file, text]) => text !== data.files[file]));
  const value = {files, file: shown, exercise: exercise?.name, scene: at("scene").value, seed: at("seed").value};
  history.pushState(null, "", `#edit=${await packed(value)}`); // no hashchange: it is shown already
  try {
    await navigator.clipboard.writeText(location.href);
    say("The link is copied, and in the address bar.");
  } catch {
    say("The link is in the address bar.");
  }
}

async function follow() {
  const {hash} = location;
  const [kind, value] = hash.slice(1).split("=");
  if (kind !== "edit") return opened(kind === "exercise" ? value : "");
  const found = await unpacked(value).catch(() => ({}));
  if (location.hash !== hash) return; // the reader has gone on meanwhile
  try {
    const {files, file, exercise: name, scene, seed} = found;
    opened(name);
    for (const each of data.editable) edited[each] = String(files[each] ?? data.files[each]);
    at("scene").value = scene;
    at("seed").value = Number(seed) || 0;
    open(data.editable.includes(file) ? file : "server.py");
  } catch {
    opened("");
    judged("This link is damaged: it holds no edit.", "broken"); // not by say(): Python will say more
  }
}

function options(id, pairs) {
  at(id).replaceChildren(...pairs.map(([value, words]) => new Option(words, value)));
}

options("exercise", [["", "none: edit freely"], ...data.exercises.map(({name, title, chapter}) => [name, `${title} (chapter ${chapter})`])]);
options("file", data.editable.map((file) => [file, file]));
options("scene", Object.entries(data.scenes));
at("exercise").onchange = ({target}) => { location.hash = target.value ? `exercise=${target.value}` : ""; };
at("file").onchange = ({target}) => open(target.value);
at("reset").onclick = () => { edited[shown] = begun[shown]; open(shown); };
at("answer").onclick = () => { edited[exercise.file] = data.files[exercise.file]; open(exercise.file); };
at("share").onclick = share;
at("run").onclick = run;
at("stop").onclick = () => stop("Stopped.");
addEventListener("hashchange", follow);
window.edits = () => ({...edited}); // for the tests, and for the console
addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run(); });
follow();
start();
