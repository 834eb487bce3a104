// The live page of `make watch`: the trace comes line by line, from the process that sent this page.
// `begin` says that a run begins, `now` that the page has all lines there are; then it shows them.

const live = {text: "", page: null, spoiled: false, stream: new EventSource("/events")};

/** Return whether the reader has opened a file instead: then the page follows no more. */
function elsewhere() {
  if (page !== live.page) live.stream.close();
  return page !== live.page;
}

/** Show what has come. The first time, go to the last event; from then on the page follows. After a
 * line that is not one of a trace, no other line is of use until another run begins. */
function catchUp() {
  const {text} = live;
  live.text = "";
  if (elsewhere() || live.spoiled || !text) return;
  live.spoiled = !(page ? attempt((more) => page.feed(more), text) : attempt(open, text, Infinity));
  live.page = page;
}

/** Say in one line what the page waits for. */
function wait(what) {
  if (elsewhere()) return;
  page?.pause();
  Object.assign(live, {text: "", page: null, spoiled: false});
  page = null;
  put("sentence", what);
  put("note");
}

live.stream.addEventListener("begin", () => wait("Waiting for the run to begin."));
live.stream.addEventListener("now", catchUp);
live.stream.onmessage = ({data}) => { live.text += data + "\n"; };
live.stream.onerror = () => elsewhere() || put("note", "The connection to `make watch` is lost; the page tries again.");
wait("Connecting to `make watch`.");
