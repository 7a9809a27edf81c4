"""Linters run as tests: code, notebooks, types, spelling."""

from __future__ import annotations

import subprocess
import sys
from pathlib import PurePosixPath

import pytest

from tools import ROOT
from tools.git import is_own_checkout, said

PLACES = [
    name for name in ("cnn50", "tools", "tests", "book", "notebooks") if (ROOT / name).exists()
]

CHECKS = {
    "ruff": ["ruff", "check", "--no-cache", *PLACES],
    "format": ["ruff", "format", "--no-cache", "--check", "cnn50", "tools", "tests", "book"],
    "types": ["mypy", "--cache-dir", ".cache/mypy"],
    "spelling": ["codespell_lib", "README.md", *PLACES],
}
ADVICE = {
    "ruff": "`.venv/bin/ruff check --fix` mends most; in a notebook, mend book/questions",
    "format": "run `.venv/bin/ruff format cnn50 tools tests book`",
    "types": "give the types that mypy asks for",
    "spelling": "mend the word, or add it to ignore-words-list in pyproject.toml",
}
OWN = {("book", "_static"), ("book", "_ext")}
PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".webp", ".svg", ".pdf"}


@pytest.mark.parametrize("name", CHECKS)
def test_clean(name: str) -> None:
    command = [sys.executable, "-m", *CHECKS[name]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"{done.stdout}{done.stderr}\n{ADVICE[name]}", pytrace=False)


@pytest.mark.skipif(not is_own_checkout(ROOT), reason="git does not know this folder")
def test_no_picture_that_somebody_looked_at_is_committed() -> None:
    """Figures come from the pages; the site's few own pictures stand in its folders."""
    tracked = map(PurePosixPath, said(ROOT, "ls-files").splitlines())
    pictures = [path for path in tracked if path.suffix.lower() in PICTURES]
    strays = [str(path) for path in pictures if path.parts[:2] not in OWN]
    assert strays == []
