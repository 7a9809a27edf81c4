"""Waiting in tests: as long as a slow machine may need, since a fast one never waits so long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

WAIT = 900
"""Seconds after which something does not merely take long but will never come."""


def wait_for(answer: Callable[[], T]) -> T:
    """What ``answer()`` returns once that is true."""
    end = time.monotonic() + WAIT
    while not (found := answer()):
        assert time.monotonic() < end, f"waited for {WAIT} s"
        time.sleep(0.05)
    return found
