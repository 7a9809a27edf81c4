"""Writes ``_toc.yml``: the pages of the site, of the question pages those that have landed.

``make book`` calls this; run it alone with ``python -m tools.pages.toc``.
"""

from __future__ import annotations

from pathlib import Path

import yaml

from tools import ROOT
from tools.pages.files import read_text, write_whole

HEAD = """\
# The pages of the site, in order. Made by `python -m tools.pages.toc` (`make book` calls it) from
# book/questions.yml and the notebooks that exist: a question enters when its notebook lands.
format: jb-book
root: book/intro
parts:
"""
START = ["book/how-to-use"]
REFERENCE = [
    f"book/{name}" for name in ("glossary", "references", "data", "verification", "breaks", "about")
]


def expected(root: Path = ROOT) -> str:
    """The text that ``_toc.yml`` should have."""
    text = read_text(root / "book" / "questions.yml")
    lines = ["  - caption: The book", "    chapters:"]
    lines += [f"      - file: {page}" for page in START]
    lines += ["  - caption: The fifty questions", "    chapters:"]
    for part in yaml.safe_load(text)["parts"]:
        number, title = part["part"], part["title"]
        lines += [f"      - file: book/parts/part{number}", f'        title: "{number}. {title}"']
        landed = [
            q for q in part["questions"] if (root / "notebooks" / f"{q['slug']}.ipynb").is_file()
        ]
        if landed:
            lines.append("        sections:")
        for q in landed:
            lines.append(f"          - file: notebooks/{q['slug']}")
            lines.append(f'            title: "{q["number"]} · {q["short"]}"')
    lines += ["  - caption: To look things up", "    chapters:"]
    lines += [f"      - file: {page}" for page in REFERENCE if (root / f"{page}.md").is_file()]
    return HEAD + "\n".join(lines) + "\n"


def update(root: Path = ROOT) -> bool:
    """Write ``_toc.yml`` where it is not as it should be; true where it was not."""
    path = root / "_toc.yml"
    wanted = expected(root)
    if path.is_file() and path.read_bytes() == wanted.encode():
        return False
    write_whole(path, wanted)
    return True


if __name__ == "__main__":
    print("_toc.yml written." if update() else "_toc.yml is as it should be.")
