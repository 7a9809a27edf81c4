"""Long notebooks come first, shards are whole notebooks, and the report adds up."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from tools import ROOT
from tools.verify.schedule import Clock

SECONDS = {"q01-short": 2.0, "q02-long": 9.0, "q03-middle": 4.0}


def make_project(folder: Path) -> None:
    """Three notebooks of three cells each, one more that never ran, and a test."""
    (folder / "notebooks").mkdir()
    for slug in [*SECONDS, "q04-new"]:
        cells = [nbformat.v4.new_code_cell("1", execution_count=k + 1) for k in range(3)]
        notebook = nbformat.v4.new_notebook(cells=cells)
        nbformat.write(notebook, folder / "notebooks" / f"{slug}.ipynb")
    runs = {slug: {"seconds": spent} for slug, spent in SECONDS.items()}
    (folder / "notebooks" / "runs.json").write_text(json.dumps(runs))
    (folder / "test_other.py").write_text("def test_other():\n    pass\n")
    lines = [
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n",
        "from pathlib import Path\nfrom tools.verify import schedule\n",
        f"schedule.ROOT = Path({str(folder)!r})\n",
        "schedule.notebook_seconds.__defaults__ = (schedule.ROOT,)\n",
        'pytest_plugins = ["tools.verify.strict_nbval", "tools.verify.schedule"]\n',
    ]
    (folder / "conftest.py").write_text("".join(lines))


def collected(folder: Path, *options: str) -> list[str]:
    """The notebooks and files in the order of their tests, each named once for a run of tests."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", *options, "."]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    names = re.findall(r"^(?:notebooks/)?(q\d\d|test)[^:\n]*::", done.stdout, re.M)
    assert names, done.stdout + done.stderr
    return [name for place, name in enumerate(names) if place == 0 or names[place - 1] != name]


def test_the_longest_notebook_comes_first(tmp_path: Path) -> None:
    make_project(tmp_path)
    assert collected(tmp_path) == ["q04", "q02", "q03", "q01", "test"]


def test_shards_hold_whole_notebooks_and_together_all(tmp_path: Path) -> None:
    make_project(tmp_path)
    shards = [collected(tmp_path, "--splits", "3", "--group", str(k)) for k in (1, 2, 3)]
    assert sorted(sum(shards, [])) == ["q01", "q02", "q03", "q04", "test"]
    assert all(shards)


def reported(name: str, start: float, seconds: float) -> pytest.TestReport:
    return SimpleNamespace(nodeid=name, duration=seconds, start=start, stop=start + seconds)


def test_the_report_says_what_was_slow_and_how_near_the_bound() -> None:
    clock = Clock(workers=2)
    clock.pytest_runtest_logreport(reported("notebooks/q01-a.ipynb::Cell 1", 100, 6))
    clock.pytest_runtest_logreport(reported("notebooks/q02-b.ipynb::Cell 1", 100, 2))
    clock.pytest_runtest_logreport(reported("notebooks/q02-b.ipynb::Cell 2", 102, 8))
    clock.pytest_runtest_logreport(reported("tests/test_a.py::test_b", 90, 30))
    said = "\n".join(clock.lines())
    assert re.search(r"10\.0 s  q02-b\n +6\.0 s  q01-a\n", said)
    assert "8.0 s  q02-b, Cell 2" in said
    assert "2 notebooks in 10.0 s" in said
    assert "2 at a time need at least 8.0 s: 80 % of the bound reached" in said


def test_a_run_without_notebooks_reports_nothing() -> None:
    assert Clock(workers=2).lines() == []
