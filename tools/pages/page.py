"""A page: where its two halves lie, what it says and claims, and what it installs on Colab.

A page is a pair: ``book/questions/qNN-slug.md``, which people edit, and
``notebooks/qNN-slug.ipynb``, which is made from it and holds the outputs of its last run.
"""

from __future__ import annotations

import json
import re
from functools import cached_property
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from tools import ROOT
from tools.pages.cells import Cell, Claim, cells_of, checks_in, claims_in
from tools.pages.dependencies import code_fingerprint, page_fingerprint
from tools.pages.files import read_text
from tools.pages.questions import PageError, Question, find_question, questions
from tools.pages.runs import LARGEST_BUDGET, stored_runs

VERSION = "1.0.0"
"""The released tag that the pages install on Colab; the version in ``pyproject.toml``."""

SETUP_CELL = '''\
# Setup. Does nothing where cnn50 is installed; on Colab it installs it.
import importlib.util

if importlib.util.find_spec("cnn50") is None:
    REPOSITORY = ""  # owner/name on GitHub; `make publish-as REPO=owner/name` fills it in
    if not REPOSITORY:
        raise ModuleNotFoundError(
            "cnn50 is not installed and this copy of the notebook names no repository "
            "to install it from. Clone the book and run `make notebooks`, "
            "or use the self-contained Colab file offered on the page."
        )
    %pip install -q "cnn50[run] @ git+https://github.com/{REPOSITORY}@vVERSION"'''.replace(
    "vVERSION", f"v{VERSION}"
)
"""The first code cell of every page, in a copy of the book that no repository is set for."""

AFTER_EVIDENCE = ("Exercises", "On a GPU", "Sources")
"""Sections whose code serves the reader and proves no claim of the page."""

MYST = {"extension": ".md", "format_name": "myst"}


class Page:
    """A question page of the project at ``root``, read from its Markdown half."""

    def __init__(self, question: Question, root: Path = ROOT):
        self.question = question
        self.root = root

    def __repr__(self) -> str:
        return f"Page({self.slug})"

    @property
    def name(self) -> str:
        return self.question.name

    @property
    def slug(self) -> str:
        return self.question.slug

    @property
    def text_path(self) -> Path:
        """The half that people edit."""
        return self.root / "book" / "questions" / f"{self.slug}.md"

    @property
    def notebook_path(self) -> Path:
        """The half that is executed."""
        return self.root / "notebooks" / f"{self.slug}.ipynb"

    @cached_property
    def text(self) -> str:
        return read_text(self.text_path)

    @cached_property
    def source(self) -> NotebookNode:
        """The page as jupytext reads it: cells without outputs."""
        import jupytext  # here, since tools that build the site import this module without it

        try:
            return jupytext.reads(self.text, fmt=MYST)
        except Exception as error:
            raise PageError(
                f"{self.text_path} cannot be read: {error}. Look at its front matter "
                "(between the two lines '---') and at the fences of its code cells."
            ) from error

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The front matter under ``cnn50:``."""
        facts = self.source.metadata.get("cnn50")
        return json.loads(json.dumps(facts)) if isinstance(facts, dict) else {}

    @cached_property
    def cells(self) -> list[Cell]:
        return cells_of(self.source)

    @property
    def code(self) -> list[Cell]:
        """The code cells, in order."""
        return [cell for cell in self.cells if cell.kind == "code"]

    @property
    def evidence_code(self) -> list[Cell]:
        """The code cells that the page's claims rest on: all before the exercises."""
        return [cell for cell in self.code if cell.section not in AFTER_EVIDENCE]

    @cached_property
    def claims(self) -> list[Claim]:
        """The claims outside the exercises, in order."""
        return [claim for cell in self.evidence_code for claim in claims_in(cell)]

    @cached_property
    def checks(self) -> list[Claim]:
        """The checks outside the exercises, in order."""
        return [check for cell in self.evidence_code for check in checks_in(cell)]

    @property
    def budget(self) -> float:
        """Processor seconds that the page's run may use; the largest budget where none is given."""
        budget = self.facts.get("budget_s")
        return float(budget) if isinstance(budget, (int, float)) else LARGEST_BUDGET

    @cached_property
    def fingerprint(self) -> str:
        """Changes when something changes that the outputs can depend on, and only then.

        That is: the code (not its comments), the parts of cnn50 that the page uses (not their
        docstrings), the data files it names, and the pinned versions.
        """
        return page_fingerprint(self.root, self.code)

    @cached_property
    def evidence_fingerprint(self) -> str:
        """Changes with the code before the exercises; the results of other seeds are held to it."""
        return code_fingerprint(self.evidence_code)


def pages(root: Path = ROOT, only: str = "") -> list[Page]:
    """The pages that exist, by number; ``only`` names some of them: ``"q16 q24"``."""
    wanted = [find_question(name, root) for name in re.split(r"[\s,]+", only.strip()) if name]
    missing = [q for q in wanted if not Page(q, root).text_path.exists()]
    if missing:
        names = ", ".join(q.name for q in missing)
        raise PageError(f"No page yet for {names}: `make new Q={missing[0].number}` starts one.")
    found = [Page(question, root) for question in wanted or questions(root)]
    return [page for page in found if page.text_path.exists()]


def last_seconds(page: Page) -> float:
    """Processor seconds of the page's last stored run; its budget where it never ran."""
    run = stored_runs(page.root).get(page.slug, {})
    return float(run.get("processor_s", page.budget))


def setup_cell(repository: str = "") -> str:
    """The setup cell of a copy of the book published as ``owner/name``."""
    return SETUP_CELL.replace('REPOSITORY = ""', f'REPOSITORY = "{repository}"')


def squash(text: str) -> str:
    """Words only, in lower case: how headings, claims and breaks are matched."""
    return re.sub(r"[\W_]+", " ", text).lower().strip()
