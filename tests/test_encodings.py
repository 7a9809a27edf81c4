"""Editors and git on other systems: line ends, byte order marks and encodings change nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_project import good_page, make_project, page_of

from tools import ROOT
from tools.pages import notebooks, toc
from tools.pages.files import PageError, read_json, read_notebook, read_text, write_whole

SAVED_AS = {
    "with a byte order mark": lambda text: text.encode("utf-8-sig"),
    "with line ends of Windows": lambda text: text.replace("\n", "\r\n").encode(),
    "with both": lambda text: text.replace("\n", "\r\n").encode("utf-8-sig"),
}
WRONG = {
    "in Latin-1": lambda text: (text + "é").encode("latin-1"),
    "in UTF-16": lambda text: text.encode("utf-16"),
}


@pytest.mark.parametrize("saved", SAVED_AS.values(), ids=SAVED_AS)
def test_a_page_is_the_same_however_it_was_saved(
    tmp_path: Path, saved: Callable[[str], bytes]
) -> None:
    root = make_project(tmp_path)
    facts, fingerprint, cells = page_of(root).facts, page_of(root).fingerprint, page_of(root).cells
    assert facts["budget_s"] == 20
    written = [root / "book" / "questions.yml", *(root / "cnn50").glob("*.py")]
    for path in [page_of(root).text_path, *written]:
        path.write_bytes(saved(path.read_text(encoding="utf-8")))
    page = page_of(root)
    assert (page.facts, page.fingerprint, page.cells) == (facts, fingerprint, cells)


@pytest.mark.parametrize("saved", WRONG.values(), ids=WRONG)
def test_a_page_in_another_encoding_is_told(
    tmp_path: Path, saved: Callable[[str], bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_project(tmp_path)
    page_of(root).text_path.write_bytes(saved(good_page()))
    with pytest.raises(PageError, match="is not UTF-8"):
        _ = page_of(root).facts
    assert notebooks.main(["--root", str(root), "--jobs", "1"]) == 2
    assert "q01-addition.md is not UTF-8 (byte" in capsys.readouterr().out


@pytest.mark.parametrize("saved", SAVED_AS.values(), ids=SAVED_AS)
def test_a_notebook_is_read_however_it_was_saved_and_stored_in_one_form(
    tmp_path: Path, saved: Callable[[str], bytes]
) -> None:
    page = page_of(make_project(tmp_path))
    fresh = notebooks.fresh_notebook(page)
    notebooks.store(page, fresh)
    plain = page.notebook_path.read_bytes()
    page.notebook_path.write_bytes(saved(plain.decode()))
    assert read_notebook(page.notebook_path) == fresh
    assert notebooks.store(page, fresh), "the other form is replaced"
    assert page.notebook_path.read_bytes() == plain


@pytest.mark.parametrize("saved", SAVED_AS.values(), ids=SAVED_AS)
def test_what_the_tools_write_has_one_form(tmp_path: Path, saved: Callable[[str], bytes]) -> None:
    root = make_project(tmp_path)
    assert toc.update(root) and not toc.update(root)
    path = root / "_toc.yml"
    plain = path.read_bytes()
    path.write_bytes(saved(plain.decode()))
    assert toc.update(root) and path.read_bytes() == plain
    rows = root / "rows.json"
    rows.write_bytes(saved('{"a": "±"}\n'))
    assert read_json(rows) == {"a": "±"}
    write_whole(rows, read_text(rows))
    assert rows.read_bytes() == '{"a": "±"}\n'.encode()


@pytest.mark.parametrize("setting", ["core.autocrlf=true", "core.eol=crlf"])
def test_a_checkout_has_the_same_bytes_whatever_git_is_set_to(tmp_path: Path, setting: str) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this copy of the book is no clone")
    copy = tmp_path / "copy"
    clone = ["git", "clone", "--quiet", "--no-hardlinks", "--config", setting, str(ROOT), str(copy)]
    subprocess.run(clone, check=True, capture_output=True)
    names = subprocess.run(
        ["git", "ls-files", "--eol"], cwd=copy, check=True, capture_output=True, text=True
    ).stdout.splitlines()
    assert names
    other = [line for line in names if line.split()[1] not in ("w/lf", "w/none", "w/-text")]
    assert not other, f"line ends differ in {other[:3]}: see .gitattributes"
    status = ["git", "status", "--porcelain"]
    assert not subprocess.run(status, cwd=copy, capture_output=True, text=True).stdout
