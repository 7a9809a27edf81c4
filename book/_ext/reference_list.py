"""The directive ``{reference-list}``: every source that the pages name under "Sources".

A source is a bullet with a link: ``- Authors (year). [Title](link). Where it appeared.`` The link
says which source it is. The same link with two titles, or the same title with two links, is a
warning of the build; the sources of ``book/techniques.yml`` are held to the same rule.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from typing import Any

from docutils import nodes
from site_catalog import landed
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from technique_index import techniques

LOG = logging.getLogger(__name__)
GLOSSARY = "book/glossary"


@dataclass
class Source:
    """One source and where it is named."""

    title: str
    url: str
    html: str  # the whole bullet of the page that says most
    pages: list[str] = field(default_factory=list)  # docnames


class reference_list(nodes.General, nodes.Element):
    """Where the list will stand."""


class ReferenceList(SphinxDirective):
    """``{reference-list}``."""

    def run(self) -> list[nodes.Node]:
        """Leave a mark; the list needs all pages."""
        return [reference_list()]


def identity(url: str) -> str:
    """What makes two links the same source: arXiv's versions and file types are one."""
    url = re.sub(r"^https?://(www\.)?", "", url.strip()).rstrip("/")
    url = re.sub(r"^arxiv\.org/(abs|pdf)/([^v?#]+)(v\d+)?(\.pdf)?$", r"arxiv.org/\2", url)
    return re.sub(r"^dx\.doi\.org/", "doi.org/", url).casefold()


def plain(title: str) -> str:
    """A title without what does not count when two are compared."""
    return re.sub(r"[\s.]+", " ", title.replace("’", "'")).strip().casefold()


def bullets(doctree: nodes.document) -> Iterator[nodes.list_item]:
    """The bullets of a page's section "Sources"."""
    for section in doctree.findall(nodes.section):
        if section[0].astext().strip() == "Sources":
            yield from section.findall(nodes.list_item)


def bullet_html(item: nodes.list_item) -> str:
    """The bullet as HTML: text, emphasis and links."""
    pieces = []
    for node in item.findall(lambda n: isinstance(n, nodes.Text | nodes.reference)):
        if isinstance(node, nodes.reference):
            href = escape(node.get("refuri", ""))
            pieces.append(f'<a href="{href}">{escape(node.astext())}</a>')
        elif not isinstance(node.parent, nodes.reference) and not inside_link(node):
            pieces.append(escape(node.astext()))
    return "".join(pieces)


def inside_link(node: nodes.Node) -> bool:
    """Whether one of the node's ancestors is a link."""
    parent = node.parent
    while parent is not None and not isinstance(parent, nodes.list_item):
        if isinstance(parent, nodes.reference):
            return True
        parent = parent.parent
    return False


def named_sources(env: BuildEnvironment) -> Iterator[tuple[str, str, str, str]]:
    """(docname, title, url, html) of each mention, pages first, then the glossary."""
    for question in landed(env):
        for item in bullets(env.get_doctree(question.docname)):
            links = [r for r in item.findall(nodes.reference) if "://" in r.get("refuri", "")]
            for link in links[:1]:
                yield question.docname, link.astext(), link["refuri"], bullet_html(item)
    for technique in techniques(env):
        title, url = technique.source_title, technique.source_url
        html = f'<a href="{escape(url)}">{escape(title)}</a>'
        yield GLOSSARY, title, url, html


def collect(env: BuildEnvironment) -> list[Source]:
    """All sources by title, each once; warns, once each, where pages disagree."""
    by_identity: dict[str, Source] = {}
    by_title: dict[str, Source] = {}
    disagreements: dict[str, str] = {}  # what is said, and of which page
    for docname, title, url, html in named_sources(env):
        source = by_identity.setdefault(identity(url), Source(title, url, html))
        if docname not in source.pages:
            source.pages.append(docname)
        if plain(source.title) != plain(title):
            said = f"{url} is called {title!r} here and {source.title!r} in {source.pages[0]}"
            disagreements.setdefault(said, docname)
        twin = by_title.setdefault(plain(title), source)
        if twin is not source:
            said = f"{title!r} has the link {url} here and {twin.url} in {twin.pages[0]}"
            disagreements.setdefault(said, docname)
        if len(html) > len(source.html):
            source.html = html
    for said, docname in disagreements.items():
        LOG.warning("sources: %s", said, location=docname, type="cnn50", subtype="sources")
    return sorted(by_identity.values(), key=lambda s: re.sub(r"<[^>]+>", "", s.html).casefold())


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace the mark by the list."""
    marks = list(doctree.findall(reference_list))
    if not marks:
        return
    names = {q.docname: f"question {q.number}" for q in landed(app.env)} | {GLOSSARY: "glossary"}
    rows = []
    for source in collect(app.env):
        links = ", ".join(
            f'<a href="{app.builder.get_relative_uri(docname, page)}">{names[page]}</a>'
            for page in source.pages
        )
        rows.append(f'<li>{source.html} <span class="about">({links})</span></li>')
    html = '<ul class="reference-list">' + "\n".join(rows) + "</ul>"
    for mark in marks:
        mark.replace_self(nodes.raw("", html, format="html"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_node(reference_list)
    app.add_directive("reference-list", ReferenceList)
    app.connect("doctree-resolved", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
