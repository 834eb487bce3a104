// The live page of `make watch`: the trace comes line by line, from the process that sent this page.
// `begin` says that a run begins, `now` that the page has all lines there are; then it shows them.

const live = {text: "", stream: new EventSource("/events")};

/** Show what has come. The first time, go to the last event; from then on the page follows. */
function catchUp() {
  const {text} = live;
  live.text = "";
  if (!text) return;
  try {
    if (page) page.feed(text);
    else open(text, Infinity);
  } catch (error) {
    if (!(error instanceof NoTrace)) throw error;
    put("sentence", error.message);
  }
}

/** Say in one line what the page waits for. */
function wait(what) {
  page?.pause();
  page = null;
  live.text = "";
  put("sentence", what);
  put("note");
}

live.stream.addEventListener("begin", () => wait("Waiting for the run to begin."));
live.stream.addEventListener("now", catchUp);
live.stream.onmessage = ({data}) => { live.text += data + "\n"; };
live.stream.onerror = () => put("note", "The connection to `make watch` is lost; the page tries again.");
wait("Connecting to `make watch`.");
