"""Longest notebooks first, a report of where the time went, and shards for several machines.

Notebooks come before all other tests, the longest first by its last stored run, so that the last
worker does not wait for a long page. ``make test SHARD=2/5`` runs the second of five parts, made by
pytest-split from the same stored times.
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

import pytest

from tools import ROOT
from tools.pages.files import read_json
from tools.verify.strict_nbval import StrictNotebook

OTHER_TEST = 0.3  # seconds that a test outside the notebooks is taken to last
SHOWN_PAGES = 10
SHOWN_CELLS = 10


def notebook_seconds(root: Path = ROOT) -> dict[str, float]:
    """Seconds of each notebook's last stored run, by slug."""
    runs = read_json(root / "notebooks" / "runs.json")
    return {slug: float(run["seconds"]) for slug, run in runs.items()}


def longest_first(items: list[pytest.Item], seconds: dict[str, float]) -> list[pytest.Item]:
    """Notebooks by falling time, an unknown one first; then all else as collected."""

    def place(item: pytest.Item) -> tuple[int, float, str]:
        if isinstance(item.parent, StrictNotebook):
            slug = item.path.stem
            return 0, -seconds.get(slug, float("inf")), slug
        return 1, 0.0, ""

    return sorted(items, key=place)


def durations(items: list[pytest.Item], seconds: dict[str, float]) -> dict[str, float]:
    """What pytest-split wants to know: seconds by test. A page's time is spread over its cells."""
    cells = defaultdict(list)
    for item in items:
        if isinstance(item.parent, StrictNotebook):
            cells[item.path.stem].append(item.nodeid)
    known = {item.nodeid: OTHER_TEST for item in items}
    usual = sum(seconds.values()) / max(len(seconds), 1)
    for slug, names in cells.items():
        known |= dict.fromkeys(names, seconds.get(slug, usual) / len(names))
    return known


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    seconds = notebook_seconds()
    items[:] = longest_first(items, seconds)
    split = config.pluginmanager.get_plugin("pytestsplitplugin")
    if split is not None:
        split.cached_durations = durations(items, seconds)


class Clock:
    """Gathers how long the cells of notebooks took, on the process that reports."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self.cells: dict[str, float] = {}
        self.begun = float("inf")
        self.ended = 0.0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if ".ipynb::" not in report.nodeid:
            return
        self.cells[report.nodeid] = self.cells.get(report.nodeid, 0.0) + report.duration
        self.begun = min(self.begun, report.start)
        self.ended = max(self.ended, report.stop)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self.lines():
            terminalreporter.write_line(line)

    def lines(self) -> list[str]:
        """The report: slowest pages, slowest cells, and how near the run came to its bound."""
        if not self.cells:
            return []
        pages: dict[str, float] = defaultdict(float)
        for name, spent in self.cells.items():
            pages[Path(name.split("::")[0]).stem] += spent
        slow_cells = sorted(self.cells.items(), key=lambda pair: -pair[1])[:SHOWN_CELLS]
        said = ["", "Slowest pages"]
        for slug, spent in sorted(pages.items(), key=lambda pair: -pair[1])[:SHOWN_PAGES]:
            said.append(f"{spent:7.1f} s  {slug}")
        said.append("Slowest cells")
        for name, spent in slow_cells:
            path, cell = name.split("::", 1)
            said.append(f"{spent:7.1f} s  {Path(path).stem}, {cell}")
        wall = self.ended - self.begun
        whole = sum(pages.values())
        bound = whole / self.workers
        said.append(
            f"{len(pages)} notebooks in {wall:.1f} s; their cells take {whole:.1f} s, "
            f"so that {self.workers} at a time need at least {bound:.1f} s: "
            f"{100 * bound / wall:.0f} % of the bound reached."
        )
        return said


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        workers = config.getoption("numprocesses", None) or 1
        clock = Clock(int(workers) if str(workers).isdigit() else os.cpu_count() or 1)
        config.pluginmanager.register(clock, "clock")
