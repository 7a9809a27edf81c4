"""Puts two lines under the title of each question: what it asks of a reader, and its files.

Level, run time and prerequisites come from the page's front matter.
"""

from __future__ import annotations

import os
import re
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from docutils import nodes
from site_catalog import facts, has_landed, landed, questions, run_time, stars
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.osutil import relative_uri

LOG = logging.getLogger(__name__)
COLAB = "https://colab.research.google.com/github/{repository}/blob/{branch}/{page}.ipynb"
GITHUB = "https://github.com/"
READING_MODE = (
    '<button type="button" class="reading-mode pst-js-only" aria-pressed="false" '
    'title="Reading mode: the text, figures, tables and claims">Hide code</button>'
)


def repository(app: Sphinx) -> tuple[str, str]:
    """(``owner/name``, branch) on GitHub; empty where none is known. ``make book`` passes them."""
    options = app.config.html_theme_options
    url = options.get("repository_url") or ""
    name = url.removeprefix(GITHUB).strip("/") if url.startswith(GITHUB) else ""
    branch = os.environ.get("CNN50_BRANCH") or options.get("repository_branch") or "main"
    return os.environ.get("CNN50_REPOSITORY", name), branch


def installs_from(app: Sphinx, docname: str) -> str:
    """The repository that the notebook's first cell installs cnn50 from; empty where none."""
    text = Path(app.srcdir, f"{docname}.ipynb").read_text(encoding="utf-8")
    found = re.search(r'\bREPOSITORY = \\?"([^"\\\n]*)', text)
    return found[1] if found else ""


def prerequisites(app: Sphinx, docname: str, numbers: list[int]) -> str:
    """HTML that names the questions to read first; those that have landed are links."""
    by_number = {q.number: q for q in questions(app.env)}
    names = []
    for number in numbers:
        question = by_number.get(number)
        if question is None:
            LOG.warning("there is no question %s to read first", number, location=docname)
        elif has_landed(app.env, question):
            link = app.builder.get_relative_uri(docname, question.docname)
            title, short = escape(question.title), escape(question.short)
            names.append(f'<a href="{link}" title="{title}">{number}. {short}</a>')
        else:
            names.append(f"{number}. {escape(question.short)}")
    return ", ".join(names)


def files(app: Sphinx, docname: str) -> str:
    """HTML of the switch of the reading mode, and of the links to run or keep the page."""
    here = app.builder.get_target_uri(docname)
    slug = docname.rpartition("/")[2]
    html = READING_MODE
    name, branch = repository(app)
    if name and name == installs_from(app, docname):
        url = COLAB.format(repository=name, branch=quote(branch), page=docname)
        html = f'<a class="run" href="{escape(url)}" rel="noopener">Open in Colab</a> {html}'
    links = []
    for text, target, why in (
        ("notebook", f"_sources/{docname}.ipynb", "The notebook behind this page"),
        ("self-contained Colab file", f"colab/{slug}.ipynb", "Upload it to Colab: it runs there"),
    ):
        url = escape(relative_uri(here, target))
        links.append(f'<a href="{url}" download title="{why}">{text}</a>')
    return f'{html} <span class="downloads">Download: {" · ".join(links)}</span>'


def add_header(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Insert the line; pages without the front matter have none."""
    if app.builder.format != "html" or docname not in {q.docname for q in landed(app.env)}:
        return
    title = next(doctree.findall(nodes.title), None)
    about = facts(app.env, docname)
    if title is None or not about:
        LOG.warning("a question page needs a title and `cnn50` front matter", location=docname)
        return
    parts = [f"Level {stars(about.get('level', 1))}"]
    if "budget_s" in about:
        time = run_time(about["budget_s"])
        why = "of all cores together: two quiet ones need less by the clock, a busy machine more"
        parts.append(f'runs in <span title="{why}">at most {time} of processor time</span>')
    if before := prerequisites(app, docname, about.get("prerequisites") or []):
        parts.append(f"read first: {before}")
    actions = f'<p class="actions">{files(app, docname)}</p>'
    html = f'<div class="page-facts"><p>{" · ".join(parts)}</p>{actions}</div>'
    title.parent.insert(title.parent.index(title) + 1, nodes.raw("", html, format="html"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Run when all pages are read, so that prerequisites can be looked up."""
    app.connect("doctree-resolved", add_header)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
