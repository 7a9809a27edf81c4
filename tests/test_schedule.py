"""Long notebooks come first, shards are whole notebooks, and the report adds up."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import nbformat
import pytest

from tools import ROOT
from tools.verify import schedule
from tools.verify.schedule import Clock
from tools.verify.strict_nbval import PROCESSOR

SECONDS = {"q01-short": 2.0, "q02-long": 9.0, "q03-middle": 4.0}


def make_project(folder: Path) -> None:
    """Three notebooks of three cells each, one more that never ran, and a test."""
    (folder / "notebooks").mkdir()
    for slug in [*SECONDS, "q04-new"]:
        cells = [nbformat.v4.new_code_cell("x = 1", execution_count=k + 1) for k in range(3)]
        notebook = nbformat.v4.new_notebook(cells=cells)
        nbformat.write(notebook, folder / "notebooks" / f"{slug}.ipynb")
    runs = {slug: {"processor_s": spent, "wall_s": spent} for slug, spent in SECONDS.items()}
    (folder / "notebooks" / "runs.json").write_text(json.dumps(runs))
    (folder / "test_other.py").write_text("def test_other():\n    pass\n")
    lines = [
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n",
        "from pathlib import Path\nfrom tools.verify import schedule\n",
        f"schedule.ROOT = Path({str(folder)!r})\n",
        "for reader in (schedule.notebook_seconds, schedule.Clock.__init__):\n",
        "    reader.__defaults__ = (schedule.ROOT,)\n",
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


def reported(name: str, start: float, used: float, outcome: str = "passed") -> list[Any]:
    """The reports of a test: its call, with what it used, and its end."""
    about = {"nodeid": name, "start": start, "stop": start + 2, "failed": outcome == "failed"}
    call = SimpleNamespace(when="call", user_properties=[(PROCESSOR, used)], **about)
    end = SimpleNamespace(when="teardown", user_properties=[], **(about | {"failed": False}))
    return [call, end]


A, B1, B2 = (
    f"notebooks/{cell}" for cell in ("q01-a.ipynb::C1", "q02-b.ipynb::C1", "q02-b.ipynb::C2")
)
RUNS = {
    "q01-a": {"processor_s": 60.0, "wall_s": 40.0},
    "q02-b": {"processor_s": 90.0, "wall_s": 50.0},
}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """With two notebooks and a test to come; what it says is kept in ``clock.said``."""
    monkeypatch.setattr(schedule, "cores", lambda: 2)
    made = Clock(workers=2)
    made.runs = RUNS
    made.said = []
    made.say = made.said.append
    for _ in range(2):  # as from two workers
        made.expect([A, B1, B2, "tests/test_a.py::test_b"])
    return made


def test_the_start_says_what_to_expect(clock: Clock) -> None:
    (line,) = clock.said
    assert line.startswith("2 notebooks, 150 processor seconds by the last runs, and 1 other test")
    assert "about 75 s with 2 workers on 2 cores" in line


def test_what_to_expect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "cores", lambda: 2)
    cells = [A, B1, B2]
    assert schedule.expected(cells, RUNS, workers=1) == 90  # one after the other
    assert schedule.expected(cells, RUNS, workers=2) == 75  # both cores busy all the time
    monkeypatch.setattr(schedule, "cores", lambda: 16)
    assert schedule.expected(cells, RUNS, workers=2) == 50  # as long as the longest
    assert schedule.expected([*cells, "notebooks/q03-new.ipynb::C1"], RUNS, workers=4) == 50
    assert [schedule.in_words(s) for s in (0, 75, 90, 600)] == ["1 s", "75 s", "2 min", "10 min"]


def test_a_line_for_each_finished_notebook(clock: Clock) -> None:
    for report in reported(B1, 100, 70) + reported(A, 100, 61):
        clock.pytest_runtest_logreport(report)
    assert clock.said[1:] == ["[1 of 2] q01-a: as stored, 61 processor seconds (last run 60)"]
    for report in reported(B2, 130, 25, "failed") + reported("tests/test_a.py::test_b", 99, 0):
        clock.pytest_runtest_logreport(report)
    assert clock.said[2:] == ["[2 of 2] q02-b: 1 test FAILED, 95 processor seconds (last run 90)"]


def test_the_report_says_what_used_most_and_the_sum(clock: Clock) -> None:
    for report in reported(A, 100, 6) + reported(B1, 100, 2) + reported(B2, 108, 8):
        clock.pytest_runtest_logreport(report)
    said = "\n".join(clock.lines())
    assert re.search(r"10\.0  q02-b\n +6\.0  q01-a\n", said)
    assert "8.0  q02-b, C2" in said
    assert "2 notebooks used 16.0 processor seconds in 10.0 s, 80 % of what 2 cores could" in said


def test_a_run_without_notebooks_reports_nothing() -> None:
    assert Clock(workers=2).lines() == []


@pytest.mark.parametrize("options", [(), ("-n", "2", "--dist", "loadscope")])
def test_a_run_says_all_this(tmp_path: Path, options: tuple[str, ...]) -> None:
    make_project(tmp_path)
    command = [sys.executable, "-m", "pytest", *options, "--pages", "q02", "."]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout
    assert said.count("about 9 s with") == 1 and "1 notebook, 9 processor seconds" in said, said
    assert re.search(r"^\[1 of 1\] q02-long: as stored, \d+ processor seconds", said, re.M), said
    assert re.search(r"1 notebook used \d+\.\d processor seconds", said)
