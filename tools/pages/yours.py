"""What a reader changed in a stored notebook is kept: it is copied to ``my-notebooks/`` first.

``make notebooks`` signs each notebook that it stores with a digest of its cells and outputs. A
notebook that does not fit its digest was changed by somebody else. Its form does not count, since
JupyterLab and other editors save one and the same notebook in several forms.
"""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from tools.git import committed
from tools.pages.page import Page
from tools.pages.questions import PageError

FOLDER = "my-notebooks"
"""Where the copies go. Git shows it, and no tool of the book writes over what lies there."""

SIGNED = "cnn50_stored"
"""The notebook's metadata that hold the digest."""


def sign(notebook: NotebookNode) -> None:
    """Note in the notebook what its cells and outputs are."""
    notebook.metadata[SIGNED] = digest(notebook)


def digest(notebook: NotebookNode) -> str:
    """Changes when a cell or an output changes.

    Metadata, ids, counts, line ends, and the repository that `make publish-as` names do not count.
    """
    cells = [(cell.cell_type, _words(cell.source), _outputs(cell)) for cell in notebook.cells]
    return hashlib.sha256(json.dumps(cells, sort_keys=True).encode()).hexdigest()[:16]


def put_by(page: Page) -> Path | None:
    """Copy the page's notebook where a reader changed it; the copy, or None where it is ours.

    Raises ``PageError`` where it cannot be copied.
    """
    if not page.notebook_path.exists() or _is_ours(page):
        return None
    content = page.notebook_path.read_bytes()
    folder = page.root / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        for copy in _names(folder, page.slug):
            try:
                stream = copy.open("xb")
            except FileExistsError:
                if copy.is_file() and copy.read_bytes() == content:
                    return copy  # from before
                continue
            try:
                with stream:
                    stream.write(content)
            except BaseException:
                copy.unlink(missing_ok=True)
                raise
            where = f"notebooks/{page.notebook_path.name}"
            print(f"{page.name}: {where} held changes of yours: they are in {FOLDER}/{copy.name}")
            return copy
    except OSError as error:
        raise PageError(
            f"{page.notebook_path} holds changes of yours that could not be copied to {folder}: "
            f"{error}. It was left as it is."
        ) from error
    return None


def _names(folder: Path, slug: str) -> Any:
    """``slug.ipynb``, ``slug-2.ipynb`` and so on."""
    yield folder / f"{slug}.ipynb"
    for number in range(2, 10_000):
        yield folder / f"{slug}-{number}.ipynb"


def _is_ours(page: Page) -> bool:
    """Whether the stored notebook is as we stored it.

    One without a digest is ours if git keeps it or if its cells are the page's.
    """
    try:
        notebook = _read(page.notebook_path.read_bytes())
        found = digest(notebook)
    except Exception:  # no notebook, but maybe somebody's work
        return False
    if signed := notebook.metadata.get(SIGNED):
        return bool(signed == found)
    for version in committed(page.notebook_path):
        try:
            if digest(_read(version)) == found:
                return True
        except Exception:  # committed while it was no notebook
            continue
    return _sources(notebook) == _sources(page.source)


def _read(content: bytes) -> NotebookNode:
    return nbformat.reads(content.decode("utf-8"), as_version=4)


def _sources(notebook: NotebookNode) -> list[tuple[str, str]]:
    return [(cell.cell_type, _words(cell.source)) for cell in notebook.cells]


def _words(source: str) -> str:
    lines = [line.rstrip() for line in source.splitlines()]
    return re.sub(r'(\bREPOSITORY = )"[^"\n]*"', r'\1""', "\n".join(lines).strip())


def _outputs(cell: NotebookNode) -> list[Any]:
    """What a cell shows: the text of neighbouring streams of one name is one text."""
    found: list[Any] = []
    for output in cell.get("outputs", ()):
        if output.output_type == "stream":
            if found and found[-1][0] == output.name:
                found[-1][1] += output.text
            else:
                found.append([output.name, output.text])
        elif output.output_type == "error":
            found.append(["error", output.ename, output.evalue])
        else:
            found.append(["data", {kind: _plain(x) for kind, x in output.get("data", {}).items()}])
    return [[item[0], _plain(item[1]), *item[2:]] for item in found]


def _plain(content: Any) -> Any:
    """Text without the blanks at line ends, and pictures in one line."""
    if isinstance(content, str):
        return "\n".join(line.rstrip() for line in content.splitlines()).strip()
    return content
