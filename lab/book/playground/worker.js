// Python, in a thread of its own, so that a loop without end stops nothing but itself.
// It fetches nothing: what Pyodide asks for is answered from what the page has sent.

import "./classic.js"; // first: what is imported next looks for it
import createPyodideModule from "pyodide-module";
import {loadPyodide} from "pyodide-loader";

const HOME = "https://in.this.page/"; // never asked: fetch is the function below
const ROOT = "/eighty";
let pack;
let run;

self.fetch = async (address) => {
  const wasm = String(address).endsWith(".wasm");
  return new Response(wasm ? pack.wasm : pack.library, {headers: {"content-type": wasm ? "application/wasm" : "application/zip"}});
};

async function begin() {
  const python = await loadPyodide({
    indexURL: HOME, stdLibURL: HOME + "python_stdlib.zip", createPyodideModule,
    lockFileContents: pack.lock, packageBaseUrl: HOME, checkAPIVersion: false,
  });
  python.runPython(pack.boot);
  python.globals.get("unpack")(ROOT, python.toPy(pack.files));
  run = python.globals.get("run");
  postMessage({ready: python.runPython("import sys; sys.version.split()[0]")});
  run(ROOT, "{}", "three", 1); // so that the reader's first run finds the standard library imported
}

self.onmessage = ({data}) => {
  if (data.pack) {
    pack = data.pack;
    begin().catch((error) => postMessage({failed: String(error)}));
  } else {
    postMessage({found: run(ROOT, data.edited, data.scene, data.seed)});
  }
};
