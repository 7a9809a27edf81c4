"""Turns a link to a question page that has not landed yet into plain text.

Pages may link to all fifty. A link to a page that is none of them stays a warning.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from docutils import nodes
from site_catalog import has_landed, questions
from sphinx import addnodes
from sphinx.application import Sphinx


def unlink_missing(app: Sphinx, doctree: nodes.document) -> None:
    """Replace each such link by its words."""
    missing = {q.slug for q in questions(app.env) if not has_landed(app.env, q)}
    links = [
        *doctree.findall(addnodes.pending_xref),
        *doctree.findall(addnodes.download_reference),
    ]
    for link in links:
        path = PurePosixPath(str(link.get("reftarget", "")).partition("#")[0])
        if path.suffix in ("", ".ipynb", ".md") and path.stem in missing:
            words = nodes.inline("", "", classes=["not-landed"])
            words.extend(child.deepcopy() for child in link[0].children)
            link.replace_self(words)


def setup(app: Sphinx) -> dict[str, Any]:
    """Listen to every page read."""
    app.connect("doctree-read", unlink_missing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
