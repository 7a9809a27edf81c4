"""Sphinx's search for this book: terms stay whole, × is x, titles and the glossary come first.

A term with a hyphen is one word ("U-Net", "R-CNN"), "1 × 1" is the word "1x1", and each entry of
the glossary is a result of its own. ``site_search.js`` does the same with what the reader types.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.domains import Domain, ObjType
from sphinx.search.en import SearchEnglish
from technique_index import techniques

GLOSSARY = "book/glossary"
SCRIPT = Path(__file__).with_suffix(".js")
WORD = re.compile(r"\w+(?:-\w+)*")
HYPHENS = re.compile("[\N{HYPHEN}\N{NON-BREAKING HYPHEN}]")
TIMES = re.compile(r"(?<=\d)\s*[x×]\s*(?=\d)|(?<=\b[^\W\d_])\s*×\s*(?=[^\W\d_]\b)")


def plain(text: str) -> str:
    """Text as the search sees it: one kind of hyphen, and × (as TeX too) between sizes as x."""
    return TIMES.sub("x", HYPHENS.sub("-", text.lower().replace(r"\times", "×")))


def forms(word: str) -> list[str]:
    """What a word is found under: itself; with a hyphen also its parts, and written as one."""
    parts = word.split("-")
    return [word] if len(parts) == 1 else [word, *parts, "".join(parts)]


class BookSearch(SearchEnglish):
    """English, split by ``WORD``."""

    js_splitter_code = SCRIPT.read_text(encoding="utf-8")

    def split(self, input: str) -> list[str]:
        """The words of a text, each in all its forms."""
        return [form for word in WORD.findall(plain(input)) for form in forms(word)]


class Glossary(Domain):
    """Tells the search of the entries that ``{technique-index}`` writes."""

    name = "glossary"
    label = "Glossary"
    object_types = {"entry": ObjType("entry", searchprio=1)}

    def get_objects(self) -> Iterable[tuple[str, str, str, str, str, int]]:
        """(name, name shown, kind, page, anchor, priority) of each."""
        if GLOSSARY in self.env.found_docs:
            for technique in techniques(self.env):
                anchor = f"technique-{technique.id}"
                name = technique.name.replace("×", "x")
                yield technique.id, name, "entry", GLOSSARY, anchor, 1

    def merge_domaindata(self, docnames: Iterable[str], otherdata: dict[str, Any]) -> None:
        """Nothing is kept, so nothing is merged."""


def setup(app: Sphinx) -> dict[str, Any]:
    """Take the place of Sphinx's English."""
    app.add_search_language(BookSearch)
    app.add_domain(Glossary)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
