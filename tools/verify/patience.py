"""How long a kernel is waited for: by the processor time it uses, never by the clock.

A slow or busy machine gives a kernel less processor time a minute, but a page needs about as much
in all. So a kernel hangs where it uses next to none for minutes, and runs away where it has used
many times its page's budget. Both take a machine's load out of the question.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable

import psutil

SILENT = 600.0
"""Seconds of the clock after which a kernel that used less than ``STILL`` hangs."""

STILL = 3.0
"""Processor seconds: in ``SILENT`` seconds an idle kernel uses 0.6, a slow download more than 3."""

RUNAWAY = 40
"""How many times its budget of processor seconds a page may use; no healthy run comes near."""

ANSWER = 600
"""Seconds that a kernel may take to answer, and a parent to get ready. One that dies is told at
once, so that only one that hangs while it starts is waited for so long."""

STEP = 5.0
"""The most seconds that count between two looks: while nobody looked, nobody knows."""


def processor_seconds(process: int) -> float:
    """What a process and all that it started have used, by user and system; 0 where it is gone.

    A forked kernel begins at zero: what its parent used before counts for the parent.
    """
    used = 0.0
    with contextlib.suppress(psutil.Error):
        found = psutil.Process(process)
        for one in (found, *found.children(recursive=True)):
            with contextlib.suppress(psutil.Error):  # ended meanwhile
                times = one.cpu_times()
                # the children of a child that were waited for are in no list of processes any more
                used += times.user + times.system + times.children_user + times.children_system
    return used


class Watch:
    """One kernel's processor time, and whether it hangs or runs away."""

    def __init__(
        self,
        process: int,
        budget: float,
        used: Callable[[int], float] = processor_seconds,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.process = process
        self.budget = budget
        self._measure = used
        self._clock = clock
        self._begun = clock()
        self._used = 0.0
        self.begin()

    def begin(self) -> None:
        """A cell begins: silence is counted from here."""
        self._looked = self._clock()
        self._silent = 0.0
        self._moved = self.used()

    def used(self) -> float:
        """Processor seconds so far; the last known ones where the kernel is gone."""
        self._used = max(self._used, self._measure(self.process))
        return self._used

    def wall(self) -> float:
        """Seconds of the clock since the watch began."""
        return self._clock() - self._begun

    def complaint(self) -> str:
        """Why nobody should wait any longer, and what to do; empty while all is well."""
        now, used = self._clock(), self.used()
        self._silent += min(now - self._looked, STEP)
        self._looked = now
        if used - self._moved >= STILL:
            self._moved, self._silent = used, 0.0
        if self._silent > SILENT:
            return (
                f"the cell hangs: in {self._silent:.0f} s it used {used - self._moved:.1f} s of "
                "processor time. Look for what it waits for: a lock, an answer, a process, input"
            )
        if used > RUNAWAY * self.budget:
            return (
                f"the cell does not come to an end: the page has used {used:.0f} processor "
                f"seconds, more than {RUNAWAY} times its budget of {self.budget:g}. Look for a "
                "loop without an end, or make the page smaller"
            )
        return ""
