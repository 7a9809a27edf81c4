"""What the other extensions ask about the book: its questions, its pages, their front matter."""

from __future__ import annotations

import json
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import yaml
from sphinx.environment import BuildEnvironment

LEVELS = (1, 2, 3)


@dataclass(frozen=True)
class Question:
    """One of the fifty, landed or not."""

    number: int
    slug: str
    short: str
    text: str
    part: int

    @property
    def docname(self) -> str:
        """Sphinx's name of the page."""
        return f"notebooks/{self.slug}"

    @property
    def title(self) -> str:
        """The heading of the page."""
        return f"{self.number}. {self.text}"


def questions(env: BuildEnvironment) -> list[Question]:
    """All fifty, in the order of the book."""
    path = Path(env.srcdir, "book", "questions.yml")
    parts = yaml.safe_load(path.read_text(encoding="utf-8"))["parts"]
    return [
        Question(q["number"], q["slug"], q["short"], q["question"], part["part"])
        for part in parts
        for q in part["questions"]
    ]


def has_landed(env: BuildEnvironment, question: Question) -> bool:
    """Whether the site holds this page."""
    return question.docname in env.found_docs


def landed(env: BuildEnvironment) -> list[Question]:
    """The questions whose pages the site holds, in the order of the book."""
    return [q for q in questions(env) if has_landed(env, q)]


def facts(env: BuildEnvironment, docname: str) -> dict[str, Any]:
    """The ``cnn50`` front matter of a page; empty where it has none.

    MyST-Parser keeps nested metadata as a JSON string.
    """
    stored = env.metadata.get(docname, {}).get("cnn50", "{}")
    return json.loads(stored) if isinstance(stored, str) else dict(stored)


def stars(level: int) -> str:
    """HTML for a level of one to three stars."""
    filled = "★" * level + "☆" * (len(LEVELS) - level)
    label = escape(f"level {level} of {len(LEVELS)}")
    return f'<span class="level" role="img" aria-label="{label}" title="{label}">{filled}</span>'


def run_time(seconds: float) -> str:
    """A budget of processor seconds in words that fit a line: seconds up to 90, minutes above."""
    return f"{seconds:g} s" if seconds <= 90 else f"{seconds / 60:.2g} min"
