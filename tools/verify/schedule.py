"""Longest notebooks first, what to expect, progress, where the time went, and shards.

Notebooks come before all other tests, the longest first by its last stored run, so that the last
worker does not wait for a long page. ``make test SHARD=2/5`` runs the second of five parts, made by
pytest-split from the same stored times. What is reported are processor seconds: seconds of the
clock tell of everything else that the machine does.
"""

from __future__ import annotations

import heapq
import os
import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tools import ROOT
from tools.pages.runs import stored_runs
from tools.verify.strict_nbval import PROCESSOR, StrictNotebook

OTHER_TEST = 0.3  # seconds that a test outside the notebooks is taken to last
SHOWN_PAGES = 10
SHOWN_CELLS = 10


def notebook_seconds(root: Path = ROOT) -> dict[str, float]:
    """Processor seconds of each notebook's last stored run, by slug."""
    return {slug: float(run["processor_s"]) for slug, run in stored_runs(root).items()}


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


def slug_of(test: str) -> str:
    """The notebook that a test belongs to, by the test's id; empty where it belongs to none."""
    found = re.search(r"([^/]+)\.ipynb::", test)
    return found.group(1) if found else ""


def cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def expected(tests: Iterable[str], runs: dict[str, dict[str, Any]], workers: int) -> float:
    """Seconds by the clock that these tests take on a quiet machine, by the last stored runs.

    That is the longer of two: all processor seconds shared among the cores, and notebooks given to
    workers as they become free.
    """
    tests = list(tests)
    slugs = {slug_of(test) for test in tests} - {""}
    known = [runs[slug] for slug in slugs if slug in runs]
    usual = max((run["wall_s"] for run in known), default=0.0)  # of one that never ran
    walls = [run["wall_s"] for run in known] + [usual] * (len(slugs) - len(known))
    busy = [0.0] * workers
    for wall in sorted(walls, reverse=True):
        heapq.heapreplace(busy, busy[0] + wall)
    shared = sum(run["processor_s"] for run in known) / cores()
    others = OTHER_TEST * sum(not slug_of(test) for test in tests) / workers
    return max(*busy, shared) + others


def in_words(seconds: float) -> str:
    """A time to wait, no more exact than it is known."""
    return f"{max(seconds, 1):.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"


class Clock:
    """Says on the process that reports what to expect, which notebook is done, and what it used."""

    def __init__(self, workers: int, root: Path = ROOT) -> None:
        self.workers = workers
        self.runs = stored_runs(root)
        self.config: pytest.Config | None = None
        self.left: dict[str, set[str]] = defaultdict(set)
        self.failed: dict[str, set[str]] = defaultdict(set)
        self.cells: dict[str, float] = {}
        self.done = 0
        self.begun = float("inf")
        self.ended = 0.0

    def pytest_configure(self, config: pytest.Config) -> None:
        self.config = config

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.expect([item.nodeid for item in session.items])

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        self.expect(ids)  # every worker collects the same tests

    def expect(self, tests: list[str]) -> None:
        """Note which tests will come, and say once how long they should take."""
        if self.left:
            return
        for test in tests:
            if slug := slug_of(test):
                self.left[slug].add(test)
        if self.left:
            self.say(self.prospect(tests))

    def prospect(self, tests: list[str]) -> str:
        """One sentence about what is to come."""
        new = [slug for slug in self.left if slug not in self.runs]
        used = sum(self.runs[slug]["processor_s"] for slug in self.left if slug not in new)
        never = f" ({len(new)} never ran)" if new else ""
        return (
            f"{count(len(self.left), 'notebook')}{never}, {used:.0f} processor seconds by the last "
            f"runs, and {count(len(tests) - sum(map(len, self.left.values())), 'other test')}: "
            f"about {in_words(expected(tests, self.runs, self.workers))} with "
            f"{count(self.workers, 'worker')} on {count(cores(), 'core')}, longer where something "
            "else runs"
        )

    def say(self, line: str) -> None:
        """Write a line of its own."""
        if self.config is None:
            return
        writer = self.config.get_terminal_writer()
        self.config.pluginmanager.get_plugin("terminalreporter").ensure_newline()
        if writer.width_of_current_line:  # dots of several workers, which it knows nothing of
            writer.line()
        writer.line(line)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        slug = slug_of(report.nodeid)
        if not slug:
            return
        self.begun = min(self.begun, report.start)
        self.ended = max(self.ended, report.stop)
        if report.failed:
            self.failed[slug].add(report.nodeid)
        used = dict(report.user_properties).get(PROCESSOR)
        if report.when == "call" and used is not None:
            self.cells[report.nodeid] = used
        if report.when == "teardown" and report.nodeid in self.left[slug]:
            self.left[slug].remove(report.nodeid)
            if not self.left[slug]:
                self.done += 1
                self.say(self.finished(slug))

    def finished(self, slug: str) -> str:
        """The line about a notebook whose tests are all done."""
        used = sum(spent for test, spent in self.cells.items() if slug_of(test) == slug)
        before = f" (last run {self.runs[slug]['processor_s']:.0f})" if slug in self.runs else ""
        bad = len(self.failed[slug])
        state = f"{count(bad, 'test')} FAILED" if bad else "as stored"
        return (
            f"[{self.done} of {len(self.left)}] {slug}: {state}, "
            f"{used:.0f} processor seconds{before}"
        )

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self.lines():
            terminalreporter.write_line(line)

    def lines(self) -> list[str]:
        """The report: what used most, and the sum."""
        if not self.cells:
            return []
        pages: dict[str, float] = defaultdict(float)
        for name, spent in self.cells.items():
            pages[slug_of(name)] += spent
        largest = sorted(self.cells.items(), key=lambda pair: -pair[1])[:SHOWN_CELLS]
        said = ["", "Pages by processor seconds"]
        for slug, spent in sorted(pages.items(), key=lambda pair: -pair[1])[:SHOWN_PAGES]:
            said.append(f"{spent:7.1f}  {slug}")
        said.append("Cells by processor seconds")
        for name, spent in largest:
            said.append(f"{spent:7.1f}  {slug_of(name)}, {name.split('::', 1)[1]}")
        wall, whole = self.ended - self.begun, sum(pages.values())
        share = 100 * whole / (max(wall, 1e-9) * cores())
        said.append(
            f"{count(len(pages), 'notebook')} used {whole:.1f} processor seconds in {wall:.1f} s, "
            f"{share:.0f} % of what {count(cores(), 'core')} could give."
        )
        return said


def count(number: int, what: str) -> str:
    """A number with its noun."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        workers = config.getoption("numprocesses", None) or 1
        clock = Clock(int(workers) if str(workers).isdigit() else cores())
        config.pluginmanager.register(clock, "clock")
