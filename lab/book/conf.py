"""The settings of the generator. Read by Sphinx itself."""

import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

from lab.book import shelf  # noqa: E402  # the path above comes first

project = "eighty"
author = "the eighty authors"
release = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
project_copyright = author
extensions = [
    "myst_parser",
    "sphinx_copybutton",
    "lab.book.links",
    "lab.book.sources",
    "lab.book.diagrams",
]
nitpicky = True

myst_all_links_external = True  # they are ours to lead: links.py
myst_fence_as_directive = ["mermaid"]
suppress_warnings = [
    "myst.header",  # a document may begin with any level
    "misc.highlighting_failure",  # a box with [...] in it is no complete program
]

html_theme = "furo"
html_title = f"eighty {release}"
html_static_path = ["static"]
html_css_files = ["book.css"]
html_js_files = ["book.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_use_index = False
html_last_updated_fmt = None
pygments_style = "friendly"
pygments_dark_style = "monokai"
copybutton_prompt_text = r"\$ |>>> |\.\.\. "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True


def setup(app: Any) -> None:
    """Find out once which file is on which page."""
    app.shelf = shelf.Shelf(ROOT)
