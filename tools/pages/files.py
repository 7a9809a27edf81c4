"""How the tools read and write files: a file is replaced whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode


def read_json(path: Path) -> dict[str, Any]:
    """The content of a JSON file; an empty dict where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write_whole(path: Path, text: str) -> None:
    """Write a file so that whoever reads it sees all of the old text or all of the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.new")
    half.write_text(text, encoding="utf-8")
    half.replace(path)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file whole, with sorted keys, so that its diffs are short."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
    write_whole(path, text + "\n")


def read_notebook(path: Path) -> NotebookNode:
    """Read an ``.ipynb`` file."""
    return nbformat.read(path, as_version=4)
