// Pyodide takes no worker that is not a module, because it could not import its own parts there. Here
// they are in the same script, and a worker that is a module cannot come from a file:// page. Pyodide
// finds out by calling this.
self.importScripts = () => { throw new Error("everything is here already"); };
