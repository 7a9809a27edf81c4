"""Shows a block quote that opens with a bold keyword as a box with a title, or as a folded note.

Notebooks keep plain Markdown (``> **In one breath.** ...``), which Jupyter and Colab show well too.
"""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.writers.html5 import HTML5Translator

KEYWORDS = {  # opening words, in lower case: the theme's class of box
    "in one breath": "tip",
    "common mistake": "warning",
    "note": "note",
}
FOLDED = "keras note"
OPENING_WORDS = 9  # of a folded note, in its summary


class folded_note(nodes.General, nodes.Element):
    """A note that is closed until it is asked for: its ``title``, and how its text ``begins``."""


class Callouts(SphinxTransform):
    """Block quotes to admonitions and folded notes."""

    default_priority = 500

    def apply(self, **kwargs: Any) -> None:
        """Replace every block quote that opens with a keyword."""
        for quote in list(self.document.findall(nodes.block_quote)):
            opening = bold_opening(quote)
            if opening is None:
                continue
            title = opening.astext().strip().rstrip(".:")
            kind = KEYWORDS.get(title.lower())
            folded = title.lower() == FOLDED
            if kind is None and not folded:
                continue
            strip_opening(opening)
            if folded:
                box = folded_note(title=title.capitalize(), begins=first_words(quote))
            else:
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


def first_words(quote: nodes.block_quote) -> str:
    """The first sentence, cut short where it is long; empty where the start holds a formula."""
    paragraph = quote.children[0]
    if any(isinstance(child, nodes.math) for child in paragraph.children[:3]):
        return ""
    text = paragraph.astext()
    sentence = re.split(r"(?<=[.:;?!])\s", text, maxsplit=1)[0]
    words = sentence.split()
    if len(words) > OPENING_WORDS:
        return " ".join(words[:OPENING_WORDS]).rstrip(",") + " …"
    return " ".join(words).rstrip(".:;")


def open_note(self: HTML5Translator, node: folded_note) -> None:
    """``<details>``; the first words stand in the summary as long as it is closed."""
    begins = f'<span class="begins">: {escape(node["begins"])}</span>' if node["begins"] else ""
    summary = f"<summary>{escape(node['title'])}{begins}</summary>"
    self.body.append(f'<details class="folded-note">\n{summary}\n')


def close_note(self: HTML5Translator, node: folded_note) -> None:
    """Close what ``open_note`` opened."""
    self.body.append("</details>\n")


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the transform."""
    app.add_transform(Callouts)
    app.add_node(folded_note, html=(open_note, close_note))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
