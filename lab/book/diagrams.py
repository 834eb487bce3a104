"""Mermaid: a fence ```mermaid is drawn by the script beside the pages, on the pages that have one.

Without the script, the page shows the text of the diagram.
"""

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from lab.book import npm


class Mermaid(SphinxDirective):
    """A diagram."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        text = "\n".join(self.content)
        shown = nodes.literal_block(text, text, language="text", classes=["mermaid-source"])
        return [shown]


def scripts(app: Sphinx, page: str, template: str, context: Any, document: Any) -> None:
    """Load Mermaid where there is a diagram."""
    if document is None or npm.find(npm.MERMAID) is None:
        return
    if any("mermaid-source" in block["classes"] for block in document.findall(nodes.literal_block)):
        app.add_js_file("mermaid.min.js", priority=600)
        app.add_js_file("diagrams.js", priority=601)


def setup(app: Sphinx) -> dict[str, Any]:
    """Let the generator know."""
    app.add_directive("mermaid", Mermaid)
    app.connect("html-page-context", scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
