"""The book: every document and every source file as one static site that opens without a network.

    make book    writes build/book/index.html

    cut.py       cuts the documents into pages: docs/protocol.md into one for each chapter
    conf.py      the settings of the generator
    shelf.py     which file of the repository is on which page
    links.py     lets each link lead there, and puts the recorded run into the chapters
    sources.py   a page for each source file, with an anchor for each line
    diagrams.py  Mermaid, from a file beside the pages
    dead.py      reads the finished pages: a dead link is an error, and so is a request to the outside
    npm.py       the packages that come from npm: Mermaid, and what the playground needs

The generator is Sphinx, with MyST for Markdown and Furo as the theme. Why these: the documents stay
plain Markdown that a code host shows as well; Sphinx is what Python's own documentation is made
with, so it will be kept; its search is a script beside the pages, so it works from a file:// address
(that of mkdocs-material and of mdBook needs a server or WebAssembly fetched by one); a warning can be
an error; and Furo has light and dark, narrow and print, and asks no other host for anything. What
Sphinx does not know (our links into code, our chapters cut from one file) is some lines in links.py
and cut.py, on its documented events.
"""
