"""The matrix runs what is not known, compares outputs, and keeps margins."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from fake_project import good_page, make_project, page_of

from tools import ROOT
from tools.pages import notebooks
from tools.pages.files import read_json, write_json
from tools.verify import matrix

pytestmark = pytest.mark.usefixtures("in_this_process")


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with one page, executed."""
    made = make_project(tmp_path_factory.mktemp("executed"), {"q01-addition": good_page()})
    (made / "tools" / "verify").mkdir(parents=True)
    (made / "tools" / "verify" / "sanitize.cfg").write_text("")
    assert notebooks.main(["--root", str(made), "--jobs", "1"]) in (0, 1)
    return made


@pytest.fixture
def root(executed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it; the imports are left out."""
    monkeypatch.setattr(matrix, "IMPORTS", "import cnn50")
    return shutil.copytree(executed, tmp_path, dirs_exist_ok=True)


def run(root: Path, *options: str) -> int:
    return matrix.main(["--root", str(root), "--jobs", "1", *options])


def rows(root: Path) -> dict:
    return read_json(root / matrix.PLACE)["q01"]


@pytest.mark.usefixtures("in_processes_of_their_own")
def test_a_page_that_prints_the_same_passes_and_is_not_run_again(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(root, "--setting", "threads-1") == 0
    assert matrix.passed(rows(root)["threads-1"])
    assert run(root, "--setting", "threads-1") == 0
    assert "1 cells, 0 of them to be run" in capsys.readouterr().out


def test_a_page_that_prints_something_else_fails(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notebook = page_of(root).notebook_path
    notebook.write_text(notebook.read_text().replace("The total is 4", "The total is 5"))
    assert run(root, "--setting", "threads-1") == 1
    assert "FAILED" in capsys.readouterr().out
    assert rows(root)["threads-1"]["differences"]


def test_what_was_known_of_other_code_counts_no_longer(root: Path) -> None:
    page = page_of(root)
    row = {"content": "of old code", "differences": [], "error": "", "claims": []}
    matrix.keep(root, page, "threads-1", row)
    assert matrix.known(root, page, "threads-1") is None
    matrix.keep(root, page, "threads-1", row | {"content": matrix.content(page)})
    assert matrix.known(root, page, "threads-1") is not None


def test_seeds_come_from_their_own_file(root: Path) -> None:
    page = page_of(root)
    assert matrix.known(root, page, matrix.SEEDS) is None
    claims = [{"text": "Two and two make four", "held": True, "margin": 1.1, "values": [4]}]
    row = {"fingerprint": page.evidence_fingerprint, "claims": claims}
    write_json(root / "cnn50" / "measured" / "seeds.json", {"q01": row})
    known = matrix.known(root, page, matrix.SEEDS)
    assert known is not None and matrix.passed(known)
    assert matrix.tight(known) == ["Two and two make four (1.1)"]
    assert matrix.cell_text(known) == "1.10"


def test_a_claim_that_does_not_hold_fails_the_cell() -> None:
    claim = {"text": "so", "at_least": 2, "at_most": None, "value": 1, "held": False}
    claim |= {"kind": "claim", "low": 1, "high": 1}
    row = {"differences": [], "error": "", "claims": [matrix.summary(claim)]}
    assert not matrix.passed(row)
    assert matrix.cell_text(row) == "FAILED"
    assert json.dumps(row)


def test_an_unknown_setting_is_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(root, "--setting", "warp") == 2
    assert "There is no setting 'warp'" in capsys.readouterr().out


def test_a_missing_python_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matrix.shutil, "which", lambda name: None)
    assert run(root, "--setting", "colab") == 2


def test_an_environment_is_made_anew_for_another_lock(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def pretend(command: list, **_: object) -> subprocess.CompletedProcess:
        if "venv" in command:
            made.append(command)
            Path(command[-1]).mkdir(parents=True)
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(matrix.subprocess, "run", pretend)
    monkeypatch.setattr(matrix, "locked", lambda _: ["numpy==1.0"])
    for _ in range(2):
        matrix.interpreter(root, "newest")
    assert len(made) == 1
    monkeypatch.setattr(matrix, "locked", lambda _: ["numpy==2.0"])
    matrix.interpreter(root, "newest")
    assert len(made) == 2


def test_what_imports_print_is_seen_and_tried_again(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A library that writes to stderr where only a kernel that imports it itself can see it."""
    package = root / "cnn50" / "__init__.py"
    quiet = package.read_text()
    package.write_text(quiet + "import os\nos.write(2, b'a line from compiled code\\n')\n")
    assert run(root, "--setting", "threads-1", "--imports") == 1
    assert "imports threads-1: FAILED\n  a line from compiled code" in capsys.readouterr().out
    assert "q01" not in read_json(root / matrix.PLACE)
    package.write_text(quiet)
    assert run(root, "--setting", "threads-1", "--imports") == 0
    assert read_json(root / matrix.IMPORTS_PLACE)["threads-1"]["said"] == ""


def test_imports_that_fail_are_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (root / "cnn50" / "__init__.py").write_text("import no_such_module\n")
    assert run(root, "--setting", "threads-1") == 1
    assert "FAILED\n  ModuleNotFoundError: No module named 'no_such_module'" in (
        capsys.readouterr().out
    )


def test_imports_that_were_silent_are_known(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert matrix.run_imports(root, ["threads-1"])
    monkeypatch.setattr(matrix, "what_imports_say", lambda *_: pytest.fail("it is known"))
    assert matrix.run_imports(root, ["threads-1"])
    monkeypatch.setattr(matrix, "what_imports_say", lambda *_: "noise")
    monkeypatch.setattr(matrix, "declared", lambda _: ["numpy>=99"])
    assert not matrix.run_imports(root, ["threads-1"]), "other bounds are tried anew"


@pytest.mark.parametrize("name", [n for n, s in matrix.SETTINGS.items() if s.resolution])
def test_the_declared_bounds_were_tried_together(name: str) -> None:
    row = read_json(ROOT / matrix.IMPORTS_PLACE).get(name, {})
    assert row.get("content") == matrix.imports_content(ROOT, name), (
        f"the lock or a bound changed: run `make matrix SETTING={name} IMPORTS=1`"
    )
    assert row["said"] == ""
