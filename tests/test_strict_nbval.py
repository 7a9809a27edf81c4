"""The strict notebook check goes red on every kind of bad notebook, and says why."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from nbformat import NotebookNode
from warm_parents import LIGHT

from tools import ROOT

FIGURE = """\
from IPython.display import display
display({"image/png": "iVBORw0KGgo=", "text/plain": TEXT}, raw=True)
"""
EQUIVALENT = "A line that falls from 1.0 to 0.2 within ten steps of training."
MEASURED = "print('Accuracy', '0.93 (0.91 to 0.95)', 'of', 200, 'pictures in 3.1 s, error 0.125')"


def stream(text: str, name: str = "stdout") -> NotebookNode:
    return nbformat.v4.new_output("stream", name=name, text=text)


def picture(text: str) -> NotebookNode:
    data = {"image/png": "iVBORw0KGgo=", "text/plain": text}
    return nbformat.v4.new_output("display_data", data=data)


def code(source: str, *outputs: NotebookNode, tags: tuple[str, ...] = ()) -> NotebookNode:
    cell = nbformat.v4.new_code_cell(source, outputs=list(outputs))
    if tags:
        cell.metadata["tags"] = list(tags)
    return cell


def stored(text: str) -> list[NotebookNode]:
    """A notebook that prints MEASURED and holds ``text`` as what it printed."""
    return [code(MEASURED, stream(text + "\n"))]


GOOD = {
    "same": stored("Accuracy 0.93 (0.91 to 0.95) of 200 pictures in 3.1 s, error 0.125"),
    "within-spread": stored("Accuracy 0.95 (0.92 to 0.98) of 200 pictures in 3.1 s, error 0.125"),
    "other-duration": stored("Accuracy 0.93 (0.91 to 0.95) of 200 pictures in 7.9 s, error 0.125"),
    "last-place": stored("Accuracy 0.93 (0.91 to 0.95) of 200 pictures in 3.1 s, error 0.126"),
    "figure": [code(FIGURE.replace("TEXT", repr(EQUIVALENT)), picture(EQUIVALENT))],
    "own-folder": [code("from pathlib import Path\nprint(*Path.cwd().iterdir())", stream("\n"))],
}

BAD = {
    "beyond-spread": (
        stored("Accuracy 0.83 (0.81 to 0.85) of 200 pictures in 3.1 s, error 0.125"),
        "arms of the wider interval",
    ),
    "integer": (
        stored("Accuracy 0.93 (0.91 to 0.95) of 201 pictures in 3.1 s, error 0.125"),
        "whole numbers must be the same",
    ),
    "decimal": (
        stored("Accuracy 0.93 (0.91 to 0.95) of 200 pictures in 3.1 s, error 0.127"),
        "more than one unit",
    ),
    "word": (
        stored("Precision 0.93 (0.91 to 0.95) of 200 pictures in 3.1 s, error 0.125"),
        "stored 'Precision ', now 'Accuracy '",
    ),
    "missing-output": ([code("x = 1", stream("one\n"))], "1 outputs are stored, the cell now"),
    "new-output": ([code("print(1)")], "0 outputs are stored, the cell now gives 1"),
    "no-count": ([code("x = 1")], "has execution count None, not 1"),
    "new-stderr": (
        [code("import sys\nprint('careful', file=sys.stderr)")],
        "is stderr: careful",
    ),
    "stored-stderr": (
        [code("import sys\nprint('careful', file=sys.stderr)", stream("careful\n", "stderr"))],
        "writes to stderr ('careful')",
    ),
    "figure-text": (
        [code(FIGURE.replace("TEXT", "'<Figure>'"), picture("<Figure>"))],
        "a figure without a text equivalent",
    ),
    "skip-tag": ([code("x = 1", tags=("nbval-skip",))], "tag 'nbval-skip', which hides it"),
    "skip-comment": ([code("# NBVAL_IGNORE_OUTPUT\nx = 1")], "comment NBVAL_IGNORE_OUTPUT"),
    "path": ([code("print('/tmp/x')", stream("/tmp/x\n"))], "a path or an address"),
    "endless": ([code("print(x)", stream("1.5\n" * 50))], "prints 50 lines, 40 at most"),
    "raises": ([code("1 / 0"), code("print(1)", stream("1\n"))], "ZeroDivisionError"),
    "claim": (
        [code("class ClaimFailed(Exception): pass\nraise ClaimFailed('So it is')")],
        "makes a claim that does not hold here",
    ),
    "dies": ([code("import os\nos._exit(1)"), code("x = 1")], "the kernel died"),
}

HANGS = [code("import time\ntime.sleep(6000)"), code("x = 1")]
IMPATIENT = "from tools.verify import patience\n\npatience.SILENT = 3\n"
START = f"import sys; sys.path.append({str(ROOT)!r})\n" + LIGHT
FORKED = f"""\
from pathlib import Path

from tools.verify import warm_kernel

warm_kernel.ROOT = Path(__file__).parent
warm_kernel.START = {START!r}
"""
"""Gives the notebooks beside it forked kernels, as this book's own have."""


@dataclass
class Result:
    """Per notebook, the messages of its failures; and which worker ran each of its items."""

    failures: dict[str, list[str]]
    passed: dict[str, int]


def names() -> list[str]:
    return [f"q{i:02d}-{name}" for i, name in enumerate([*GOOD, *BAD], start=1)]


def run_pytest(folder: Path, *options: str) -> Result:
    """Run the plugin alone over a folder's notebooks."""
    report = folder / "report.xml"
    arguments = [
        *("-p", "tools.verify.strict_nbval", "-p", "no:cacheprovider", "-q"),
        f"--junitxml={report}",
        *("--rootdir", str(folder), "-c", os.devnull, str(folder / "notebooks")),
    ]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *arguments, *options],
        env=os.environ | {"PYTHONPATH": f"{ROOT}:{folder}", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        cwd=folder,
    )
    assert report.exists(), done.stdout + done.stderr
    result = Result({}, {})
    for case in ElementTree.parse(report).iter("testcase"):
        notebook = case.attrib["classname"].replace("notebooks.", "").removesuffix(".ipynb")
        failure = case.find("failure")
        error = case.find("error")
        bad = failure if failure is not None else error
        if bad is not None:
            result.failures.setdefault(notebook, []).append(bad.text or "")
        elif case.find("skipped") is None:
            result.passed[notebook] = result.passed.get(notebook, 0) + 1
    return result


def write_notebook(path: Path, cells: list[NotebookNode], count: bool = True) -> None:
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"cnn50": {"budget_s": 1}})
    for index, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{index}"
        cell.execution_count = index if count else None
    path.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, path)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Result:
    folder = tmp_path_factory.mktemp("bad")
    cells = list(GOOD.values()) + [cells for cells, _ in BAD.values()]
    for name, content in zip(names(), cells, strict=True):
        write_notebook(folder / "notebooks" / f"{name}.ipynb", content, "no-count" not in name)
    (folder / "forked.py").write_text(FORKED)
    return run_pytest(folder, "-p", "forked")


@pytest.fixture(scope="module")
def hanging(tmp_path_factory: pytest.TempPathFactory) -> Result:
    """A notebook that hangs, where a kernel that does nothing is waited for three seconds only."""
    folder = tmp_path_factory.mktemp("hanging")
    write_notebook(folder / "notebooks" / "q01-hangs.ipynb", HANGS)
    (folder / "impatient.py").write_text(IMPATIENT)
    return run_pytest(folder, "-p", "impatient")


def of(name: str) -> str:
    return next(full for full in names() if full.endswith(f"-{name}"))


@pytest.mark.parametrize("name", GOOD)
def test_a_good_notebook_passes(result: Result, name: str) -> None:
    assert of(name) not in result.failures
    assert result.passed[of(name)] == 2  # what is stored, and its cell


@pytest.mark.parametrize("name", BAD)
def test_a_bad_notebook_fails_and_says_why(result: Result, name: str) -> None:
    messages = result.failures.get(of(name), [])
    assert messages, f"{name} passed"
    assert any(BAD[name][1] in message for message in messages), messages


@pytest.mark.parametrize("name", BAD)
def test_every_failure_says_what_to_do(result: Result, name: str) -> None:
    page = of(name)[:3]
    for message in result.failures[of(name)]:
        assert f"PAGES={page}" in message or "Mend the page" in message


def test_a_cell_that_hangs_fails_and_says_what_to_do(hanging: Result) -> None:
    (message,) = hanging.failures["q01-hangs"]
    assert "the cell hangs: in " in message and "s of processor time" in message
    assert "Look for what it waits for" in message and "PAGES=q01" in message


@pytest.mark.parametrize("name", ["raises", "dies"])
def test_cells_behind_a_broken_one_do_not_add_failures(result: Result, name: str) -> None:
    assert len(result.failures[of(name)]) == 1


def test_a_notebook_stays_on_one_worker(tmp_path: Path) -> None:
    cells = [code("x = 1"), *(code("x = x + 1\nprint(x)", stream(f"{k}\n")) for k in (2, 3, 4))]
    for name in ("q01-a", "q02-b"):
        write_notebook(tmp_path / "notebooks" / f"{name}.ipynb", cells)
    result = run_pytest(tmp_path, "-n", "2", "--dist", "loadscope")
    assert result.failures == {}
    assert result.passed == {"q01-a": 5, "q02-b": 5}


def test_a_cell_without_those_before_it_says_so(tmp_path: Path) -> None:
    write_notebook(tmp_path / "notebooks" / "q01-a.ipynb", [code("x = 1"), code("x += 1")])
    result = run_pytest(tmp_path, "--deselect", "notebooks/q01-a.ipynb::Cell 1")
    assert "Run whole notebooks" in result.failures["q01-a"][0]


def test_pages_chooses_notebooks(tmp_path: Path) -> None:
    for name in ("q01-a", "q02-b", "q12-c"):
        write_notebook(tmp_path / "notebooks" / f"{name}.ipynb", [code("x = 1")])
    assert set(run_pytest(tmp_path, "--pages", "q02 12").passed) == {"q02-b", "q12-c"}
