// Run Python code of this checkout on Pyodide's Python, in Node: node lab/book/node.mjs FILE.py [WORD...]
// FOLDERS, in the environment, are more places to import from. Exits with the status of the script.

import {pathToFileURL} from "node:url";
import {resolve} from "node:path";
import process from "node:process";

const root = resolve(import.meta.dirname, "../..");
const loader = resolve(root, "build/npm/node_modules/pyodide/pyodide.mjs");
const {loadPyodide} = await import(pathToFileURL(loader));
const [script, ...words] = process.argv.slice(2);
const python = await loadPyodide({env: {HOME: "/", PYTHONDONTWRITEBYTECODE: "1"}});
const folders = [root, ...(process.env.FOLDERS ?? "").split(":").filter(Boolean)];
for (const folder of folders) {
  python.FS.mkdirTree(folder);
  python.FS.mount(python.FS.filesystems.NODEFS, {root: folder}, folder);
}
python.globals.set("root", root);
python.globals.set("folders", python.toPy(folders));
python.globals.set("argv", python.toPy([script, ...words]));
process.exitCode = python.runPython(`
import os, runpy, sys
os.chdir(root)
sys.path[:0] = folders
sys.argv = argv
status = 0
runpy.run_path("lab/book/playground/boot.py")["stand_in"]()
try:
    runpy.run_path(argv[0], run_name="__main__")
except SystemExit as end:
    status = int(end.code or 0)
status
`);
