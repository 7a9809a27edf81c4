"""A slow kernel is waited for, one that hangs or runs away is not, whatever the clock says."""

from __future__ import annotations

import nbformat
import pytest

from tools import ROOT
from tools.verify import patience
from tools.verify.kernel import CellFailed, Run
from tools.verify.patience import RUNAWAY, SILENT, Watch


class Machine:
    """A clock and a processor that only move when told."""

    def __init__(self, budget: float = 10) -> None:
        self.now = 0.0
        self.processor = 0.0
        self.watch = Watch(1, budget, used=lambda _: self.processor, clock=lambda: self.now)

    def go(self, seconds: float, share: float) -> str:
        """Let time pass in which the kernel gets this share of a core; the first complaint."""
        end = self.now + seconds
        while self.now < end:
            self.now += 1
            self.processor += share
            if complaint := self.watch.complaint():
                return complaint
        return ""


def test_a_kernel_that_gets_little_of_a_busy_machine_is_waited_for() -> None:
    machine = Machine()
    assert machine.go(20_000, share=0.01) == ""
    assert machine.watch.wall() == 20_000


def test_a_kernel_that_uses_next_to_nothing_hangs() -> None:
    machine = Machine()
    assert machine.go(60, share=1) == ""
    said = machine.go(20_000, share=0.001)
    assert "the cell hangs: in 601 s it used 0.6 s of processor time" in said
    assert "Look for what it waits for" in said


def test_silence_is_counted_by_cell() -> None:
    machine = Machine()
    for _ in range(10):
        machine.watch.begin()
        assert machine.go(SILENT - 10, share=0) == ""


def test_time_in_which_nobody_looked_does_not_count() -> None:
    machine = Machine()
    machine.now += 100 * SILENT  # the whole run was stopped, say, and continued
    assert machine.watch.complaint() == ""


def test_a_kernel_that_runs_away_is_ended() -> None:
    machine = Machine(budget=10)
    assert machine.go(RUNAWAY * 10, share=1) == ""
    said = machine.go(2, share=1)
    assert "401 processor seconds, more than 40 times its budget of 10" in said
    assert "loop without an end" in said


def test_what_was_used_is_known_when_the_kernel_is_gone() -> None:
    machine = Machine()
    machine.go(5, share=2)
    assert machine.watch.used() == 10
    machine.processor = 0.0
    assert machine.watch.used() == 10
    assert patience.processor_seconds(2**22 + 1) == 0  # no such process


def run(source: str, budget: float, then: str = "1") -> Run:
    cells = [nbformat.v4.new_code_cell(text) for text in (source, then)]
    with Run(nbformat.v4.new_notebook(cells=cells), ROOT, budget) as kernel:
        for place in range(len(cells)):
            kernel.cell(place)
        kernel.watch.used()
    return kernel


def test_a_loop_without_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "RUNAWAY", 4)
    with pytest.raises(CellFailed, match="does not come to an end") as caught:
        run("while True:\n    pass", budget=1)
    assert caught.value.kind == "Hang"


def test_what_a_kernel_and_its_children_use_is_counted_and_what_its_parent_used_is_not() -> None:
    burn = "import time\nwhile time.process_time() < {}:\n    pass"
    alone = run("1", budget=20).watch.used()
    child = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', {!r}])"
    both = run(child.format(burn.format(1.5)), 20, burn.format(1.5)).watch.used()
    assert alone < 1.5 < 2.9 < both  # the system counts in hundredths
