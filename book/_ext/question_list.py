"""The directive ``{question-list}``: the questions of one part, with level and run time.

````
```{question-list} 6
```
````
"""

from __future__ import annotations

from html import escape
from typing import Any

from docutils import nodes
from site_catalog import Question, facts, has_landed, questions, run_time, stars
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


class question_list(nodes.General, nodes.Element):
    """Where the list of ``part`` will stand."""


class QuestionList(SphinxDirective):
    """``{question-list} part``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Leave a mark; the list needs the front matter of all pages."""
        part = int(self.arguments[0])
        if not any(q.part == part for q in questions(self.env)):
            raise self.error(f"there is no part {part}")
        return [question_list(part=part)]


def entry(app: Sphinx, docname: str, question: Question) -> str:
    """HTML of one question."""
    number, text = f'<span class="number">{question.number}</span>', escape(question.text)
    if not has_landed(app.env, question):
        note = '<span class="about">in preparation</span>'
        return f'<li class="not-landed">{number}<span class="text">{text}</span>{note}</li>'
    link = app.builder.get_relative_uri(docname, question.docname)
    about = facts(app.env, question.docname)
    note = stars(about.get("level", 1))
    if "budget_s" in about:
        note += f" {run_time(about['budget_s'])}"
    text = f'<a class="text" href="{link}">{text}</a>'
    return f'<li>{number}{text}<span class="about">{note}</span></li>'


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace the marks by lists."""
    for mark in list(doctree.findall(question_list)):
        rows = [entry(app, docname, q) for q in questions(app.env) if q.part == mark["part"]]
        html = '<ul class="question-list">' + "".join(rows) + "</ul>"
        mark.replace_self(nodes.raw("", html, format="html"))


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_node(question_list)
    app.add_directive("question-list", QuestionList)
    app.connect("doctree-resolved", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
