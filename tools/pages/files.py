"""How the tools read and write files: one or several are replaced whole or not at all.

Text is UTF-8, and its lines end as on Unix. What an editor made of it is understood (a byte order
mark, line ends of Windows) or told, and never written.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode


class PageError(Exception):
    """A page, or a file about pages, that cannot be found or read. The message says what to do."""


def read_text(path: Path) -> str:
    """The text of a file without a byte order mark, its lines ended as on Unix."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise PageError(
            f"{path} is not UTF-8 (byte {error.start}): save it with that encoding."
        ) from None


def read_json(path: Path) -> dict[str, Any]:
    """The content of a JSON file; an empty dict where there is none."""
    return json.loads(read_text(path)) if path.exists() else {}


def write_whole(path: Path, text: str) -> None:
    """Write a file so that whoever reads it sees all of the old text or all of the new."""
    write_all({path: text})


def write_all(texts: dict[Path, str]) -> None:
    """Write several files, line ends as given: all of them, or none where one cannot be written.

    Every new text lies beside its file before the first file is replaced. Should replacing one fail
    or be interrupted, those before it are put back.
    """
    halves, olds, replaced = {}, {}, []
    try:
        for path, text in texts.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            there = path.resolve()  # a link stays one
            halves[there] = there.with_name(f".{there.name}.new")
            with halves[there].open("w", encoding="utf-8", newline="") as stream:
                stream.write(text)
            if there.exists():
                shutil.copymode(there, halves[there])
                if len(texts) > 1:
                    olds[there] = there.with_name(f".{there.name}.old")
                    _double(there, olds[there])
        try:
            for path, half in halves.items():
                replaced.append(path)
                half.replace(path)
        except BaseException:
            for path in replaced:
                if path in olds:
                    olds[path].replace(path)
                elif not halves[path].exists():  # it is at its place, where no file was
                    path.unlink(missing_ok=True)
            raise
    finally:
        for rest in (*halves.values(), *olds.values()):
            rest.unlink(missing_ok=True)


def _double(path: Path, second: Path) -> None:
    """A second name for a file's content, or a copy where the file system has no links."""
    second.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        os.link(path, second)
        return
    shutil.copy2(path, second)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file whole, with sorted keys, so that its diffs are short."""
    write_whole(path, json_text(content))


def json_text(content: dict[str, Any]) -> str:
    """A JSON file's text, with sorted keys."""
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def read_notebook(path: Path) -> NotebookNode:
    """Read an ``.ipynb`` file."""
    return nbformat.reads(read_text(path), as_version=4)
