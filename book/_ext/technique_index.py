"""The directive ``{technique-index}``: every named technique, what it is, and where it is found.

Definitions come from ``book/techniques.yml``; the pages from their front matter: a technique there
``runs`` (executed code), is ``shown`` (a small computation or a figure) or ``explained`` (prose).
An id in a front matter that ``techniques.yml`` does not know is a warning of the build.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from site_catalog import Question, facts, landed
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

LOG = logging.getLogger(__name__)
WAYS = {"runs": "runs in", "shows": "shown in", "explains": "explained in"}


@dataclass(frozen=True)
class Technique:
    """One entry of ``book/techniques.yml``."""

    id: str
    name: str
    definition: str
    source_title: str
    source_url: str


class technique_index(nodes.General, nodes.Element):
    """Where the index will stand."""


class TechniqueIndex(SphinxDirective):
    """``{technique-index}``."""

    def run(self) -> list[nodes.Node]:
        """Leave a mark; the index needs the front matter of all pages."""
        return [technique_index()]


def techniques(env: BuildEnvironment) -> list[Technique]:
    """All entries by name."""
    path = Path(env.srcdir, "book", "techniques.yml")
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    found = [
        Technique(e["id"], e["name"], e["definition"], e["source"]["title"], e["source"]["link"])
        for e in entries
    ]
    return sorted(found, key=lambda t: t.name.casefold())


def mentions(env: BuildEnvironment) -> dict[str, dict[str, list[Question]]]:
    """For each technique id and each way, the pages in the order of the book."""
    known = {t.id for t in techniques(env)}
    found: dict[str, dict[str, list[Question]]] = defaultdict(lambda: defaultdict(list))
    for question in landed(env):
        named = facts(env, question.docname).get("techniques") or {}
        for way in WAYS:
            for technique in named.get(way) or ():
                if technique not in known:
                    LOG.warning(
                        "technique %r is not in book/techniques.yml",
                        technique,
                        location=question.docname,
                        type="cnn50",
                        subtype="technique",
                    )
                found[technique][way].append(question)
    return found


def entry(app: Sphinx, docname: str, technique: Technique, ways: dict[str, list[Question]]) -> str:
    """HTML of one technique."""
    places = []
    for way, words in WAYS.items():
        links = ", ".join(
            f'<a href="{app.builder.get_relative_uri(docname, q.docname)}" '
            f'title="{escape(q.title)}">question {q.number}</a>'
            for q in ways.get(way, ())
        )
        if links:
            places.append(f"{words} {links}")
    source = (
        f'<a href="{escape(technique.source_url)}" class="source">'
        f"{escape(technique.source_title)}</a>"
    )
    about = " · ".join([*places, f"source: {source}"])
    return (
        f'<dt id="technique-{technique.id}">{escape(technique.name)}</dt>'
        f'<dd>{escape(technique.definition)}<br><span class="about">{about}</span></dd>'
    )


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace the mark by the index."""
    marks = list(doctree.findall(technique_index))
    if not marks:
        return
    pages = mentions(app.env)
    rows = [entry(app, docname, t, pages.get(t.id, {})) for t in techniques(app.env)]
    html = '<dl class="technique-index">' + "\n".join(rows) + "</dl>"
    for mark in marks:
        mark.replace_self(nodes.raw("", html, format="html"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_node(technique_index)
    app.add_directive("technique-index", TechniqueIndex)
    app.connect("doctree-resolved", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
