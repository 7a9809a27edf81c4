"""The fifty questions, as ``book/questions.yml`` lists them, and the one that a name means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from tools import ROOT
from tools.pages.files import PageError as PageError
from tools.pages.files import read_text


@dataclass(frozen=True)
class Question:
    """One of the fifty questions, as ``book/questions.yml`` lists it."""

    number: int
    slug: str
    part: int
    title: str

    @property
    def name(self) -> str:
        """Short name: ``q07``."""
        return f"q{self.number:02d}"


def questions(root: Path = ROOT) -> list[Question]:
    """The fifty questions, by number, from ``book/questions.yml``."""
    listed = yaml.safe_load(read_text(root / "book" / "questions.yml"))
    found = [
        Question(row["number"], row["slug"], part["part"], row["question"])
        for part in listed["parts"]
        for row in part["questions"]
    ]
    return sorted(found, key=lambda question: question.number)


def part_titles(root: Path = ROOT) -> dict[int, str]:
    """The titles of the eight parts."""
    listed = yaml.safe_load(read_text(root / "book" / "questions.yml"))
    return {part["part"]: part["title"] for part in listed["parts"]}


def find_question(name: str, root: Path = ROOT) -> Question:
    """The question called ``q24``, ``24`` or by its slug."""
    wanted = name.strip().lower()
    number = re.fullmatch(r"q?0*(\d+)", wanted)
    for question in questions(root):
        if wanted == question.slug or (number and int(number.group(1)) == question.number):
            return question
    raise PageError(f"There is no question {name!r}: write q01 to q50, or a slug.")
