"""Serves a mathematical font with the site: the glyphs of STIX Two Math that its formulas use.

The font (SIL Open Font License 1.1) comes from the ``ziamath`` wheel, so nothing is downloaded.
"""

from __future__ import annotations

import html
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from fontTools import subset
from fontTools.ttLib import TTFont
from sphinx.application import Sphinx
from sphinx.util import logging

LOG = logging.getLogger(__name__)
FONT = "STIXTwoMath-Regular.ttf"
TARGET = "_static/math.woff2"
MATH = re.compile(r"<math.*?</math>", re.DOTALL)
TAG = re.compile(r"<[^>]+>")
RADICAL = "√"  # drawn for <msqrt>, never written
ITALIC_RANGES = (  # first and last letter, and the mathematical italic of the first
    ("A", "Z", 0x1D434),
    ("a", "z", 0x1D44E),
    ("Α", "Ω", 0x1D6E2),
    ("α", "ω", 0x1D6FC),
)
ITALIC_ODD = {"h": "\u210e", "∂": "\U0001d715", "ϵ": "\U0001d716", "ϑ": "\U0001d717"}
ITALIC_ODD |= {"ϕ": "\U0001d719", "ϱ": "\U0001d71a"}


def italic(character: str) -> str:
    """What a browser draws for an ``<mi>`` of this one letter."""
    if character in ITALIC_ODD:
        return ITALIC_ODD[character]
    for first, last, start in ITALIC_RANGES:
        if first <= character <= last:
            return chr(start + ord(character) - ord(first))
    return character


def characters(pages: list[Path]) -> set[str]:
    """Every character that the formulas of these pages show."""
    found = {RADICAL}
    for page in pages:
        for formula in MATH.findall(page.read_text(encoding="utf-8")):
            found.update(html.unescape(TAG.sub("", formula)))
    return found


def write_font(target: Path, wanted: set[str]) -> None:
    """Write the part of the font that draws ``wanted``, with its stretched and small variants."""
    with files("ziamath.fonts").joinpath(FONT).open("rb") as stream:
        font = TTFont(stream, recalcTimestamp=False)
        maker = subset.Subsetter(subset.Options(hinting=False, layout_features=["ssty", "dtls"]))
        maker.populate(text="".join(sorted(wanted | {italic(c) for c in wanted})))
        maker.subset(font)
        font.flavor = "woff2"
        font.save(target)


def finish(app: Sphinx, failure: Exception | None) -> None:
    """Make the font when all pages are written."""
    if failure is None and app.builder.format == "html":
        pages = sorted(Path(app.outdir).rglob("*.html"))
        write_font(Path(app.outdir, TARGET), characters(pages))


def setup(app: Sphinx) -> dict[str, Any]:
    """Run after the build."""
    app.connect("build-finished", finish)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
