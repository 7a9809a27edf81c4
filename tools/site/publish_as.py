"""Makes this copy of the book point at your GitHub repository: ``make publish-as REPO=owner/name``.

Sets ``repository`` in ``_config.yml`` and the name in the setup cell of every page, in both halves
of its pair. Only these words change: outputs and the rest of the files stay as they are, byte for
byte.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from tools import ROOT

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*/[A-Za-z0-9._-]+")
# In a notebook's JSON the quotes are escaped: REPOSITORY = \"\".
CELL = re.compile(r'(\bREPOSITORY = )(\\?")[^"\\\n]*(\\?")')
CONFIG = re.compile(r'(?m)^(repository:\n(?:[ ]+.*\n)*?[ ]+url:)[ ]*"[^"\n]*"')


def pages(root: Path = ROOT) -> list[Path]:
    """Both halves of every page."""
    texts = sorted((root / "book" / "questions").glob("q*.md"))
    return texts + sorted((root / "notebooks").glob("q*.ipynb"))


def rewrite(path: Path, pattern: re.Pattern[str], replacement: str) -> bool:
    """Replace the one place in the file; true where that changed it.

    Raises ``ValueError`` where the file has no such place, or several.
    """
    with path.open(encoding="utf-8", newline="") as stream:
        text = stream.read()
    new, count = pattern.subn(replacement, text)
    if count != 1:
        raise ValueError(f"{path.name}: {count} places that name the repository, not one.")
    if new != text:
        with path.open("w", encoding="utf-8", newline="") as stream:
            stream.write(new)
    return new != text


def publish_as(name: str, root: Path = ROOT) -> list[Path]:
    """Set the repository to ``owner/name``, or to none where empty; returns the changed files.

    Raises ``ValueError`` for a name that GitHub would not take.
    """
    if name and not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not owner/name.")
    url = f"https://github.com/{name}" if name else ""
    changed = [p for p in pages(root) if rewrite(p, CELL, rf"\g<1>\g<2>{name}\g<3>")]
    config = root / "_config.yml"
    if rewrite(config, CONFIG, rf'\g<1> "{url}"'):
        changed.append(config)
    return changed


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="make publish-as", description=__doc__)
    parser.add_argument("name", help='owner/name on GitHub, or "" to name none')
    name = parser.parse_args().name.removeprefix("https://github.com/").removesuffix(".git")
    try:
        changed = publish_as(name)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{len(changed)} files now name {name or 'no repository'}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
