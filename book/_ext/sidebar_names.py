"""Names the arrows of the sidebar after the part that they open; the theme leaves them nameless."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

ARROW = re.compile(r"(?P<link><a\b[^>]*>(?P<name>[^<]*)</a>\s*<details\b[^>]*>\s*)<summary>")


def name_arrows(html: str) -> str:
    """The sidebar's HTML with a name on each arrow."""

    def named(match: re.Match[str]) -> str:
        label = escape(f"Pages of {match['name'].strip()}", quote=True)
        return f'{match["link"]}<summary aria-label="{label}">'

    return ARROW.sub(named, html)


def wrap(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Let the theme's function pass through ``name_arrows``."""
    make = context["generate_toctree_html"]

    def generate(kind: str, *args: Any, **options: Any) -> Any:
        made = make(kind, *args, **options)
        return name_arrows(str(made)) if kind == "sidebar" else made

    context["generate_toctree_html"] = generate


def setup(app: Sphinx) -> dict[str, Any]:
    """Run after the theme has set its functions."""
    app.connect("html-page-context", wrap, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
