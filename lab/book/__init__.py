"""The book: every document and every source file as one static site that opens without a network.

    make book    writes build/book/index.html

    cut.py       cuts the documents into pages: docs/protocol.md into one for each chapter
    shelf.py     which file of the repository is on which page
    conf.py      the settings of the generator
    links.py     makes each link lead to its page, and puts the recorded run into the chapters
    sources.py   a page for each source file, with an anchor for each line
    diagrams.py  Mermaid, from a file beside the pages
    dead.py      reads the finished pages: a dead link or a request to another host is an error
    npm.py       the packages that come from npm

    make playground    writes build/playground.html, which the book has as well

    playground.py    packs Python, an editor and the code of eighty into one page: playground/
    play.py          what runs in it: a scene, the verdict, the page that shows the run
    node.mjs         runs Python of this checkout on Pyodide's Python, in Node
    firefox.mjs      what the tests do in Firefox
    seeds.py         what is run so: simulated worlds,
    bytes_only.py    and the tests of pure bytes, with the packages of pyodide.txt
    exercises.toml   what is broken in the core for each exercise

The generator is Sphinx, with MyST for Markdown and Furo as the theme. The reasons: the documents
stay plain Markdown that a code host shows as well. Python's own documentation is made with Sphinx,
so it will be maintained. Its search is a script beside the pages and works from a file:// address;
those of mdBook and mkdocs-material want a server. A warning can be an error. Furo has light and
dark, narrow and print, and loads nothing from another host. What Sphinx does not know (links into
code, chapters cut from one file) is in links.py and cut.py, on its documented events.
"""
