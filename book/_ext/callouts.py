"""Shows a block quote that opens with a bold keyword as a box with a title.

Notebooks keep plain Markdown (``> **In one breath.** ...``), which Jupyter and Colab show well too.
"""

from __future__ import annotations

from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

KEYWORDS = {  # opening words, in lower case: the theme's class of box
    "in one breath": "tip",
    "common mistake": "warning",
    "note": "note",
}


class Callouts(SphinxTransform):
    """Block quotes to admonitions."""

    default_priority = 500

    def apply(self, **kwargs: Any) -> None:
        """Replace every block quote that opens with a keyword."""
        for quote in list(self.document.findall(nodes.block_quote)):
            opening = bold_opening(quote)
            if opening is None:
                continue
            title = opening.astext().strip().rstrip(".:")
            kind = KEYWORDS.get(title.lower())
            if kind is None:
                continue
            strip_opening(opening)
            box = nodes.admonition("", nodes.title("", title), classes=["callout", kind])
            box.source, box.line = quote.source, quote.line
            box.extend(quote.children)
            quote.replace_self(box)


def bold_opening(quote: nodes.block_quote) -> nodes.strong | None:
    """The bold words with which the quote begins, if it begins with any."""
    if not quote.children or not isinstance(quote.children[0], nodes.paragraph):
        return None
    for child in quote.children[0].children:
        if isinstance(child, nodes.strong):
            return child
        if child.astext().strip():
            return None
    return None


def strip_opening(opening: nodes.strong) -> None:
    """Take the bold words out of their paragraph, with the blank that follows them."""
    paragraph = opening.parent
    position = paragraph.index(opening)
    following = paragraph.children[position + 1 : position + 2]
    if following and isinstance(following[0], nodes.Text):
        paragraph.replace(following[0], nodes.Text(following[0].astext().lstrip()))
    paragraph.remove(opening)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform."""
    app.add_transform(Callouts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
