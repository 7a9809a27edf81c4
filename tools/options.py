"""What the programs behind the make targets take on their command lines."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from tools import ROOT
from tools.pages.questions import PageError


def parser(about: str | None, *, jobs: bool = True) -> argparse.ArgumentParser:
    """A parser for ``--pages``, ``--root`` and, where several pages run at a time, ``--jobs``."""
    made = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--pages", default="", help='such as "q16 q24"; all where none is named')
    made.add_argument("--root", type=Path, default=ROOT, help="the project, where it is not this")
    if jobs:
        made.add_argument("--jobs", type=int, default=2, help="pages at a time (default: 2)")
    return made


def told(work: Callable[..., int], *arguments: object) -> int:
    """The exit status of ``work``; a ``PageError`` is printed and gives 2."""
    try:
        return work(*arguments)
    except PageError as error:
        print(error)
        return 2
