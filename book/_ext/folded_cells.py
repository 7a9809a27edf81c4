"""Folds the setup cell, and names the fold of a hidden cell after its first comment.

That is ``# @title Solution``, after which Colab names a cell too, or ``# Setup. ...``.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

SETUP = 'find_spec("cnn50")'  # what a page's setup cell is known by
TITLE = re.compile(r"\A#\s*(?:@title\s+(?P<title>.+)|(?P<comment>[^.\n]+))")


def name_folds(app: Sphinx, doctree: nodes.document) -> None:
    """Set what is folded, and the text of each fold."""
    for cell in doctree.findall(nodes.container):
        if cell.get("nb_element") != "cell_code":
            continue
        code = next(cell.findall(nodes.literal_block), None)
        source = code.astext() if code is not None else ""
        if SETUP in source:
            cell["hide_mode"] = "all"
        if cell.get("hide_mode"):
            match = TITLE.match(source)
            name = (match["title"] or match["comment"]).strip() if match else unnamed(source)
            cell["prompt_show"] = cell["prompt_hide"] = name


def unnamed(source: str) -> str:
    """What the fold of a cell without an opening comment is called."""
    return "Code of this figure" if "figures." in source else "Code of this cell"


def open_fold(self: HTML5Translator, node: HideCodeCellNode) -> None:
    """Write ``<details>`` with one summary; the arrow is the browser's."""
    name = escape(node["prompt_show"])
    self.body.append(f'<details class="fold">\n<summary>{name}</summary>\n')


def close_fold(self: HTML5Translator, node: HideCodeCellNode) -> None:
    """Close what ``open_fold`` opened."""
    self.body.append("</details>\n")


def setup(app: Sphinx) -> dict[str, Any]:
    """Take over MyST-NB's node for hidden cells."""
    app.setup_extension("myst_nb")
    app.connect("doctree-read", name_folds)
    app.add_node(HideCodeCellNode, override=True, html=(open_fold, close_fold))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
