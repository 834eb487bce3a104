"""Links: each leads to the page that holds the file it names, or the build fails.

Below a picture of some events (events-34-45.svg) the recorded run is shown, at the first of them.
It is also shown below a paragraph that begins with **See it** and links an event
(lanes.html#e=34); the links of that paragraph then move it.
"""

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

from lab.book.shelf import Place, Shelf

log = logging.getLogger(__name__)
OUTSIDE = re.compile(r"^[a-z][a-z0-9+.-]*:", re.IGNORECASE)
HREF = re.compile(r'(<a\b[^>]*?\bhref=)"([^"]*)"')
EVENTS = re.compile(r"\bevents-(\d+)-\d+\.svg$")
SEE_IT = re.compile(r"see it\b", re.IGNORECASE)
SHOWN = """<figure class="stage"><iframe name="{name}" src="{address}" loading="lazy"
title="A recorded run, at event {event}"></iframe><figcaption><a href="{address}" target="_top">The
run on a page of its own</a></figcaption></figure>"""


def mend(app: Sphinx, document: nodes.document) -> None:
    """Give the headings their anchors, and resolve every link and picture."""
    shelf: Shelf = app.shelf
    page = shelf.by_name.get(app.env.docname)
    if page is None:
        return
    for section, anchor in zip(
        document.findall(nodes.section), shelf.anchors_on(page), strict=False
    ):
        if anchor not in section["ids"]:
            section["ids"].append(anchor)
    for link in list(document.findall(nodes.reference)):
        if not OUTSIDE.match(link.get("refuri", "x:")):
            lead(app, shelf, page.document, link)
    for raw in document.findall(nodes.raw):
        raw.children[:] = [
            nodes.Text(HREF.sub(lambda at: lead_raw(app, page.document, at), raw.astext()))
        ]
    show(document)
    for number, picture in enumerate(list(document.findall(nodes.image))):
        show_below(app, picture, f"strip-{number}")


def lead_raw(app: Sphinx, document: str, at: re.Match[str]) -> str:
    """Return a link that is written in HTML, so that it leads to its page."""
    place = None if OUTSIDE.match(at[2]) else app.shelf.find(document, at[2])
    return f'{at[1]}"{address(app, place)}"' if place else at[0]


def lead(app: Sphinx, shelf: Shelf, document: str, link: nodes.reference) -> None:
    """Make one link lead to its page."""
    place = shelf.find(document, link["refuri"], link.astext())
    if place is None:
        log.warning("%s: a link to nothing: %s", document, link["refuri"], location=link)
        return
    link["refuri"] = address(app, place)
    link["internal"] = True
    if place.page == "stage":
        link["event"] = place.anchor.removeprefix("e=")


def address(app: Sphinx, place: Place) -> str:
    """Return the address of a place, as seen from the page that is read now."""
    here = app.env.docname
    path = app.builder.get_relative_uri(here, place.page) if place.page != here else ""
    return (path + (f"#{place.anchor}" if place.anchor else "")) or "#"


def show(document: nodes.document) -> None:
    """Show the recorded run where the text says so, below the first link to an event."""
    wanted, name = False, ""
    for number, paragraph in enumerate(list(document.findall(nodes.paragraph))):
        first = next((each for each in paragraph.children if each.astext()), None)
        if isinstance(first, nodes.strong):
            wanted, name = bool(SEE_IT.match(first.astext())), ""
        links = [link for link in paragraph.findall(nodes.reference) if link.get("event")]
        if wanted and links:
            wanted, name = False, f"stage-{number}"
            paragraph.parent.insert(paragraph.parent.index(paragraph) + 1, frame(name, links[0]))
        for link in links if name else []:
            link["target"] = name


def show_below(app: Sphinx, picture: nodes.image, name: str) -> None:
    """Show the recorded run below a picture of some of its events."""
    events = EVENTS.search(picture["uri"])
    if events is None:
        return
    above = picture
    while not isinstance(above.parent, nodes.section):
        above = above.parent
    run = address(app, Place("stage", f"e={events[1]}"))
    shown = nodes.reference("", "", refuri=run, event=events[1])
    above.parent.insert(above.parent.index(above) + 1, frame(name, shown))


def frame(name: str, link: nodes.reference) -> nodes.raw:
    """Return the recorded run, at the event that a link names."""
    text = SHOWN.format(name=name, address=escape(link["refuri"]), event=link["event"])
    return nodes.raw("", text, format="html")


def setup(app: Sphinx) -> dict[str, Any]:
    """Let the generator know."""
    app.connect("doctree-read", mend)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
