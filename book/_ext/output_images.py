"""Gives the figures of notebooks their alternative text, their size, and lazy loading.

The text is the ``text/plain`` that ``cnn50.figures`` stores beside each picture.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

LOG = logging.getLogger(__name__)


def is_description(text: str) -> bool:
    """Whether ``text`` was written for readers: not empty, and not an object's repr."""
    return bool(text) and not text.startswith(("<", "[<", "Figure(", "{"))


def describe(app: Sphinx, doctree: nodes.document) -> None:
    """Set the alternative text of every picture that a cell displayed."""
    for bundle in doctree.findall(nodes.container):
        if bundle.get("nb_element") != "mime_bundle":
            continue
        kinds = {part.get("mime_type", ""): part for part in bundle.children}
        plain = kinds.get("text/plain")
        text = " ".join(plain.astext().split()) if plain is not None else ""
        for kind, part in kinds.items():
            if not kind.startswith("image/"):
                continue
            for image in part.findall(nodes.image):
                if is_description(text):
                    image["alt"] = text
                elif not image.get("alt"):
                    LOG.warning(
                        "a figure has no text equivalent (its text/plain is %r)",
                        text[:60],
                        location=bundle,
                        type="cnn50",
                        subtype="alt",
                    )
                    image["alt"] = ""


def size_attributes(path: Path) -> str:
    """``width`` and ``height`` for ``<img>``, so that the page does not jump; may be empty."""
    if not path.is_file() or path.suffix == ".svg":
        return ""
    with Image.open(path) as picture:
        return f'width="{picture.width}" height="{picture.height}" '


def visit_image(self: HTML5Translator, node: nodes.image) -> None:
    """The theme's own ``<img>`` with size and lazy loading added."""
    extra = 'loading="lazy" decoding="async" '
    if "width" not in node and "height" not in node:
        extra += size_attributes(Path(self.builder.srcdir, node["uri"].lstrip("/")))
    type(self).visit_image(self, node)
    self.body[-1] = self.body[-1].replace("<img ", f"<img {extra}", 1)


def depart_image(self: HTML5Translator, node: nodes.image) -> None:
    """As the theme does."""
    type(self).depart_image(self, node)


def setup(app: Sphinx) -> dict[str, Any]:
    """Listen to every page read, and write images in our way."""
    app.connect("doctree-read", describe)
    app.add_node(nodes.image, override=True, html=(visit_image, depart_image))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
