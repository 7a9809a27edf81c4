"""``make notebooks``: executes what changed, keeps what did not, and never leaves half a file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from fake_project import good_page, make_project, page_of, stored_runs
from waiting import wait_for

from tools import ROOT
from tools.pages import notebooks
from tools.pages.dependencies import used_parts
from tools.pages.files import read_notebook
from tools.pages.page import pages
from tools.pages.questions import PageError

pytestmark = pytest.mark.usefixtures("in_this_process")


def make(root: Path, only: str = "", force: bool = False) -> int:
    return notebooks.main(["--root", str(root), "--pages", only, *(["--force"] if force else [])])


def edit(root: Path, old: str, new: str, name: str = "q01") -> None:
    path = page_of(root, name).text_path
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_a_page_is_executed_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_project(tmp_path)
    assert make(root) == 0
    assert "q01: executed in" in capsys.readouterr().out
    notebook = read_notebook(page_of(root).notebook_path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert code[3].outputs[0].text == "The total is 4\n"
    assert notebook.metadata["cnn50"] == page_of(root).facts
    run = stored_runs(root)["q01-addition"]
    assert (
        run["fingerprint"] == page_of(root).fingerprint
        and run["processor_s"] > 0
        and run["wall_s"] > 0
    )

    assert make(root) == 0
    assert "up to date" in capsys.readouterr().out


def test_the_same_page_gives_the_same_bytes(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    make(root)
    first = page_of(root).notebook_path.read_bytes()
    make(root, force=True)
    assert page_of(root).notebook_path.read_bytes() == first


def test_a_change_of_text_keeps_the_outputs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_project(tmp_path)
    make(root)
    edit(root, "## Answer\n", "## Answer\n\nNew words.\n")
    assert make(root) == 0
    assert "text updated, outputs kept" in capsys.readouterr().out
    text = page_of(root).notebook_path.read_text()
    assert "New words." in text and "The total is 4" in text


def test_what_a_page_depends_on(tmp_path: Path) -> None:
    root = make_project(tmp_path)

    def fingerprint() -> str:
        return page_of(root).fingerprint

    first = fingerprint()
    edit(root, "total = add", "# a comment\ntotal = add")
    edit(root, 'REPOSITORY = ""', 'REPOSITORY = "owner/name"')
    evidence = root / "cnn50" / "evidence.py"
    evidence.write_text(evidence.read_text().replace("Hold a value", "Keep a value"))
    evidence.write_text(evidence.read_text() + "\n\ndef unused():\n    return 1\n")
    (root / "cnn50" / "unused.py").write_text("X = 2\n")
    (root / "requirements.txt").write_text("numpy==2.1.3\nfilelock==5.0\n")
    assert fingerprint() == first, "comments, docstrings and unused parts change nothing"

    seen = {first}
    (root / "requirements.txt").write_text("numpy==2.2.0\n")
    seen.add(fingerprint())
    evidence.write_text(evidence.read_text().replace("Holds", "Stands"))
    seen.add(fingerprint())
    edit(root, "add(2, 2)", "add(2, 1 + 1)")
    seen.add(fingerprint())
    assert len(seen) == 4, "pins, used parts of the package, and code change the outputs"


def test_only_the_named_data_count(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    (root / "cnn50" / "data").mkdir()
    (root / "cnn50" / "data" / "__init__.py").write_text("def load(name):\n    return [4]\n")
    registry = root / "cnn50" / "data" / "registry.toml"
    registry.write_text('[set.digits]\nsha256 = "a"\n\n[set.letters]\nsha256 = "a"\n')
    edit(root, "total = add(2, 2)", 'from cnn50 import data\n\ntotal = data.load("digits")[0]')
    first = page_of(root).fingerprint
    registry.write_text(registry.read_text().replace('letters]\nsha256 = "a"', 'letters]\nx = "b"'))
    assert page_of(root).fingerprint == first
    registry.write_text(registry.read_text().replace('sha256 = "a"', 'sha256 = "b"'))
    assert page_of(root).fingerprint != first


def test_the_fingerprint_follows_definitions_through_modules(tmp_path: Path) -> None:
    import ast

    root = make_project(tmp_path)
    (root / "cnn50" / "a.py").write_text(
        "from cnn50.b import inner\nfrom cnn50.c import other\n\n\n"
        "def outer():\n    return inner()\n\n\ndef alone():\n    return other()\n"
    )
    (root / "cnn50" / "b.py").write_text("def inner():\n    return SIZE\n\n\nSIZE = 1\n")
    (root / "cnn50" / "c.py").write_text("def other():\n    return 2\n")
    parts, _ = used_parts(root, [ast.parse("from cnn50.a import outer\nouter()")])
    assert len(parts["cnn50.a"]) == 1 and len(parts["cnn50.b"]) == 2 and parts["cnn50.c"] == []


def test_a_failing_page_keeps_its_old_notebook(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_project(tmp_path)
    make(root)
    old = page_of(root).notebook_path.read_bytes()
    edit(root, 'print("The total is", total)', "total = total / 0")
    assert make(root) == 1
    said = capsys.readouterr().out
    assert "code cell 4 (total = add(2, 2))" in said and "ZeroDivisionError" in said
    assert "untouched" in said
    assert page_of(root).notebook_path.read_bytes() == old


def test_a_page_that_prints_a_path_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = make_project(tmp_path)
    edit(root, 'print("The total is", total)', 'print("/tmp/somewhere")')
    assert make(root) == 1
    assert "a path or an address of this machine" in capsys.readouterr().out


def test_a_kernel_that_dies_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_project(tmp_path)
    edit(root, 'print("The total is", total)', "import os\n\nos._exit(3)")
    assert make(root) == 1
    assert "the kernel died" in capsys.readouterr().out
    assert not page_of(root).notebook_path.exists()


def test_an_unknown_page_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = make_project(tmp_path)
    assert make(root, "q77") == 2
    assert "There is no question 'q77'" in capsys.readouterr().out
    assert make(root, "q02") == 2
    assert "`make new Q=2` starts one" in capsys.readouterr().out


def test_broken_front_matter_is_told(tmp_path: Path) -> None:
    root = make_project(tmp_path, {"q01-addition": "---\na: [\n---\n"})
    with pytest.raises(PageError, match="front matter"):
        pages(root)[0].cells  # noqa: B018 (reading is what fails)


@pytest.mark.skipif(os.name != "posix", reason="kills a process group")
def test_killed_half_way_the_old_notebook_is_whole(tmp_path: Path) -> None:
    root = make_project(tmp_path)
    make(root)
    old = page_of(root).notebook_path.read_bytes()
    mark = tmp_path / "running"
    edit(
        root,
        'print("The total is", total)',
        f'import time\nfrom pathlib import Path\n\nPath("{mark}").touch()\ntime.sleep(600)',
    )
    command = [sys.executable, "-m", "tools.pages.notebooks", "--root", str(root)]
    running = subprocess.Popen(command, cwd=ROOT, start_new_session=True)
    wait_for(mark.exists)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    assert page_of(root).notebook_path.read_bytes() == old
    assert stored_runs(root)["q01-addition"]["fingerprint"] != page_of(root).fingerprint
    assert [path.name for path in (root / "notebooks").iterdir() if "new" in path.name] == []


@pytest.mark.usefixtures("in_processes_of_their_own")
def test_two_pages_at_a_time(tmp_path: Path) -> None:
    root = make_project(tmp_path, {"q01-addition": good_page(), "q02-learning": good_page()})
    assert make(root) == 0
    assert {run["at_once"] for run in stored_runs(root).values()} == {2}
