"""Marks what a claim printed, so that the style sheet can set it off."""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

VERDICT = "Holds:"


def mark(app: Sphinx, doctree: nodes.document) -> None:
    """Give printed text with a verdict in it the class ``claim``."""
    for block in doctree.findall(nodes.literal_block):
        lines = block.astext().splitlines()
        if "stream" in block["classes"] and any(line.startswith(VERDICT) for line in lines):
            block["classes"].append("claim")


def setup(app: Sphinx) -> dict[str, Any]:
    """Listen to every page read."""
    app.connect("doctree-read", mark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
