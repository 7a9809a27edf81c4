"""What a reader changes in a notebook is kept by every way of making it anew; files are replaced
together or not at all."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from fake_project import make_project, page_of
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from tools import ROOT
from tools.pages import files, notebooks, yours
from tools.pages.files import read_json, read_notebook, write_all
from tools.pages.page import Page

GIT = ["git", "-c", "user.name=n", "-c", "user.email=e@example.org"]
FIGURE = {"image/png": "iVBORw0KGgo=\n", "text/plain": "A figure with a text", "text/html": "<b>1"}


def run_of(page: Page) -> NotebookNode:
    """The page as if it had been executed."""
    notebook = notebooks.fresh_notebook(page)
    for count, cell in enumerate((c for c in notebook.cells if c.cell_type == "code"), start=1):
        cell.execution_count = count
        cell.outputs = [new_output("stream", name="stdout", text=f"Printed by {count}\n")]
    cell.outputs.append(new_output("display_data", data=FIGURE))
    return notebook


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Page:
    """A stored page; executing it again gives what is stored."""
    page = page_of(make_project(tmp_path / "book"))
    known = {page.slug: {"seconds": 1.0, "fingerprint": page.fingerprint, "at_once": 1}}
    notebooks.store(page, run_of(page), runs=json.dumps(known))

    def at_once(run: object, slugs: list[str], jobs: int) -> Iterator[tuple[str, object]]:
        for slug in slugs:
            notebooks.store(page_of(page.root), run_of(page_of(page.root)))
            yield slug, notebooks.Outcome(slug, 1.0)

    monkeypatch.setattr(notebooks, "in_parallel", at_once)
    return page


def copies(page: Page) -> list[Path]:
    return sorted((page.root / yours.FOLDER).glob("*"))


def change(page: Page, how: Callable[[NotebookNode], object]) -> bytes:
    """Change the stored notebook as an editor would; its bytes after that."""
    notebook = read_notebook(page.notebook_path)
    how(notebook)
    nbformat.write(notebook, page.notebook_path)
    return page.notebook_path.read_bytes()


def replace_source(notebook: NotebookNode) -> None:
    notebook.cells[6].source = notebook.cells[6].source.replace("2", "3")


def run_a_cell(notebook: NotebookNode) -> None:
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    code[2].outputs = [new_output("stream", name="stdout", text="a GPU's hour\n")]


def reorder(notebook: NotebookNode) -> None:
    notebook.cells[0], notebook.cells[1] = notebook.cells[1], notebook.cells[0]


CHANGES = {
    "a cell is changed": replace_source,
    "a note is added": lambda n: n.cells.append(new_markdown_cell("My notes")),
    "code is added": lambda n: n.cells.insert(3, new_code_cell("mine = 1")),
    "a cell is removed": lambda n: n.cells.pop(),
    "cells change places": reorder,
    "only the outputs are another run's": run_a_cell,
    "an output is cleared": lambda n: n.cells[-2].update(outputs=[], execution_count=None),
}


@pytest.mark.parametrize("how", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("text_too", [False, True])
def test_a_readers_change_is_kept_and_the_page_made_anew(
    page: Page,
    how: Callable[[NotebookNode], object],
    force: bool,
    text_too: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    good = page.notebook_path.read_bytes()
    if text_too:
        page.text_path.write_text(page.text.replace("## Answer\n", "## Answer\n\nNew.\n"))
    mine = change(page, how)
    assert notebooks.update(page.root, force=force) == 0
    assert [copy.read_bytes() for copy in copies(page)] == [mine]
    said = capsys.readouterr().out
    assert f"held changes of yours: they are in my-notebooks/{page.slug}.ipynb" in said
    assert "outputs kept" not in said
    assert text_too or page.notebook_path.read_bytes() == good, "the book has its own outputs again"

    assert notebooks.update(page.root) == 0
    assert "up to date" in capsys.readouterr().out
    assert len(copies(page)) == 1


def test_a_second_change_gets_a_second_copy(page: Page) -> None:
    first = change(page, replace_source)
    notebooks.update(page.root)
    second = change(page, reorder)
    notebooks.update(page.root)
    change(page, replace_source)  # the first one again
    notebooks.update(page.root)
    assert [copy.read_bytes() for copy in copies(page)] == [second, first]
    assert [copy.name for copy in copies(page)] == [f"{page.slug}-2.ipynb", f"{page.slug}.ipynb"]


def test_a_half_saved_notebook_is_kept_too(page: Page) -> None:
    page.notebook_path.write_text('{"cells": [{"source": "my notes')
    notebooks.update(page.root)
    assert "my notes" in copies(page)[0].read_text()


def test_what_is_saved_during_the_run_is_kept(page: Page) -> None:
    """The reader saves after ``make notebooks`` has looked."""
    good = run_of(page)
    mine = change(page, replace_source)
    assert notebooks.store(page, good)
    assert [copy.read_bytes() for copy in copies(page)] == [mine]


def test_without_a_copy_nothing_is_written(page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    mine = change(page, replace_source)
    (page.root / yours.FOLDER).write_text("no folder")
    assert notebooks.main(["--root", str(page.root)]) == 2
    assert "could not be copied" in capsys.readouterr().out
    assert page.notebook_path.read_bytes() == mine


def resaved(page: Page) -> None:
    """As JupyterLab or VS Code save a notebook in which nothing was changed."""
    stored = json.loads(page.notebook_path.read_text())
    stored["metadata"]["kernelspec"] = {"display_name": "cnn50", "name": "cnn50"}
    stored["metadata"]["language_info"]["version"] = "3.12.1"
    stored["metadata"]["widgets"] = {}
    stored["nbformat_minor"] = 4
    for cell in stored["cells"]:
        del cell["id"]
        cell["metadata"]["collapsed"] = True
        cell["source"] = "".join(cell["source"])
        if cell["cell_type"] == "code":
            cell["execution_count"] = 77
        for output in cell.get("outputs", ()):
            if output["output_type"] == "stream":
                output["text"] = "".join(output["text"])
            else:
                output["data"] = {k: "".join(v).strip() for k, v in output["data"].items()}
    page.notebook_path.write_text(json.dumps(stored, indent=4, ensure_ascii=True))


@pytest.mark.parametrize("signed", [True, False])
def test_a_save_without_a_change_is_no_change(page: Page, signed: bool) -> None:
    if not signed:
        change(page, lambda notebook: notebook.metadata.pop(yours.SIGNED))
    resaved(page)
    assert notebooks.update(page.root) == 0
    assert copies(page) == []


def test_windows_line_ends_and_a_repository_are_no_change(page: Page) -> None:
    page.notebook_path.write_bytes(page.notebook_path.read_bytes().replace(b"\n", b"\r\n"))
    text = page.notebook_path.read_text()
    assert 'REPOSITORY = \\"\\"' in text
    page.notebook_path.write_text(
        text.replace('REPOSITORY = \\"\\"', 'REPOSITORY = \\"owner/name\\"')
    )
    assert yours.put_by(page) is None


def test_an_unsigned_notebook_in_git_and_out_of_it(page: Page) -> None:
    """Older notebooks have no digest: git knows them, and where it does not, the page does."""
    change(page, lambda notebook: notebook.metadata.pop(yours.SIGNED))
    page.text_path.write_text(page.text.replace("## Answer\n", "## Answer\n\nNew.\n"))
    if shutil.which("git"):
        shutil.copy(ROOT / ".gitignore", page.root)
        subprocess.run([*GIT, "init", "-q"], cwd=page.root, check=True)
        subprocess.run([*GIT, "add", "."], cwd=page.root, check=True)
        assert yours.put_by(page_of(page.root)) is None, "staged"
        subprocess.run([*GIT, "commit", "-qm", "a"], cwd=page.root, check=True)
        assert yours.put_by(page_of(page.root)) is None, "committed"
        mine = change(page, replace_source)
        copy = yours.put_by(page_of(page.root))
        assert copy and copy.read_bytes() == mine
        status = subprocess.run(
            [*GIT, "status", "--porcelain"], cwd=page.root, check=True, capture_output=True
        )
        assert b"my-notebooks/" in status.stdout, "git shows the copies"
        shutil.rmtree(page.root / ".git")
        shutil.rmtree(page.root / yours.FOLDER)
    assert yours.put_by(page_of(page.root)), "neither git nor the page knows it"


# ---- several files: all or none


def three(folder: Path) -> dict[Path, str]:
    (folder / "a").write_bytes(b"old a\r\n")
    (folder / "c").write_bytes(b"old c")
    return {folder / name: f"new {name}\r\n" for name in ("a", "b", "c")}


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_all_are_written_with_their_line_ends(tmp_path: Path) -> None:
    write_all(three(tmp_path))
    assert content(tmp_path) == {name: f"new {name}\r\n".encode() for name in "abc"}


@pytest.mark.parametrize("error", [OSError(28, "disk full"), KeyboardInterrupt()])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("links", [True, False])
def test_none_is_written_where_one_cannot_be(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    place: int,
    links: bool,
) -> None:
    texts = three(tmp_path)
    before = content(tmp_path)
    move = Path.replace

    def fails(self: Path, target: Path) -> Path:
        if self.name == f".{'abc'[place]}.new":
            raise error
        return move(self, target)

    def no_links(*names: object) -> None:
        raise OSError(1, "no links here")

    monkeypatch.setattr(Path, "replace", fails)
    if not links:
        monkeypatch.setattr(files.os, "link", no_links)
    with pytest.raises(type(error)):
        write_all(texts)
    assert content(tmp_path) == before


def test_none_is_written_where_a_text_is_none(tmp_path: Path) -> None:
    texts = three(tmp_path)
    before = content(tmp_path)
    texts[tmp_path / "c"] = "\ud800"  # no UTF-8
    with pytest.raises(UnicodeEncodeError):
        write_all(texts)
    assert content(tmp_path) == before


def test_a_link_stays_a_link_and_a_mode_a_mode(tmp_path: Path) -> None:
    real = tmp_path / "real"
    real.write_text("old")
    real.chmod(0o640)
    (tmp_path / "link").symlink_to(real)
    write_all({tmp_path / "link": "new"})
    assert (tmp_path / "link").is_symlink() and real.read_text() == "new"
    assert real.stat().st_mode & 0o777 == 0o640


def test_a_notebook_and_its_run_are_stored_together(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = page.notebook_path.parent / "runs.json"
    before = page.notebook_path.read_bytes(), read_json(runs)
    new = run_of(page)
    new.cells[0].source = "# Another"
    move = Path.replace

    def full(self: Path, target: Path) -> Path:
        if self.suffix == ".new" and "ipynb" in self.name:
            raise OSError(28, "disk full")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        notebooks.store(page, new, runs="{}")
    assert (page.notebook_path.read_bytes(), read_json(runs)) == before
