"""``make new Q=17``: start a page from ``tools/pages/template.md``, title and slug filled in."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tools import ROOT
from tools.options import told
from tools.pages.files import read_text, write_whole
from tools.pages.page import Page, pages, setup_cell
from tools.pages.questions import find_question
from tools.pages.rules import repository_in

TEMPLATE = Path(__file__).with_name("template.md")


def filled(page: Page) -> str:
    """The template as the beginning of ``page``, installing from where the other pages do."""
    places = {repository_in(other.code[0].source) for other in pages(page.root) if other.code}
    words = {
        "{number}": str(page.question.number),
        "{question}": page.question.title,
        "{name}": page.name,
        "{setup}": setup_cell(min(places, default="")),
    }
    text = read_text(TEMPLATE)
    for mark, word in words.items():
        text = text.replace(mark, word)
    return text


def start(root: Path, name: str) -> int:
    """Write a new page; 1 where it is there already."""
    page = Page(find_question(name, root), root)
    if page.text_path.exists():
        print(f"{page.text_path} is there already; nothing was changed.")
        return 1
    write_whole(page.text_path, filled(page))
    print(f"Started {page.text_path.relative_to(root)}. Then, as often as you like:")
    print(f"  make notebooks PAGES={page.name}    executes it")
    print(f"  make test PAGES={page.name}         says what is missing")
    print(f"  make breaks Q={page.question.number}, make seeds Q={page.question.number}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("question", help="its number, such as 17 or q17")
    command.add_argument("--root", type=Path, default=ROOT)
    options = command.parse_args(arguments)
    return told(start, options.root, options.question)


if __name__ == "__main__":
    sys.exit(main())
