"""What git knows about this copy of the book; nothing where it is no checkout of its own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def git(root: Path, *arguments: str) -> bytes | None:
    """What ``git`` says in the folder ``root``; None where it fails or is not installed.

    Variables such as GIT_DIR, which a hook sets, would lead it to another repository.
    """
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    command = ["git", "-C", str(root), *arguments]
    try:
        done = subprocess.run(command, env=kept, capture_output=True, check=False)
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def said(root: Path, *arguments: str) -> str:
    """What ``git`` says, as one line of text; empty where it fails."""
    return (git(root, *arguments) or b"").decode("utf-8", "replace").strip()


def is_own_checkout(root: Path) -> bool:
    """Whether ``root`` is the top of its repository, and not a folder inside somebody's other."""
    top = said(root, "rev-parse", "--show-toplevel")
    return bool(top) and Path(top).resolve() == root.resolve()


def committed(path: Path) -> list[bytes]:
    """The versions of a file that git keeps: the last commit's and the one that is staged."""
    found = (git(path.parent, "show", f"{place}:./{path.name}") for place in ("HEAD", ""))
    return [version for version in found if version is not None]
