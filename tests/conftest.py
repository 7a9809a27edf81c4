"""Registers the strict notebook checks, ``--pages`` and the order of tests; fixtures of several."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

pytest_plugins = ["tools.verify.strict_nbval", "tools.verify.schedule"]


class InThisProcess(Executor):
    """Stands where new processes would do the work, each of which imports the tools first."""

    def __init__(self, *_: Any) -> None:
        pass

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future:
        """Do the work now."""
        done: Future = Future()
        done.set_result(function(*arguments, **options))
        return done


POOL = "tools.parallel.ProcessPoolExecutor"


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tools run their pages in this process, one after the other."""
    monkeypatch.setattr(POOL, InThisProcess)


@pytest.fixture
def in_processes_of_their_own(in_this_process: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """They run them as they do for people, after all."""
    monkeypatch.setattr(POOL, ProcessPoolExecutor)


@pytest.fixture
def light_parent() -> Iterator[None]:
    """Kernels are forked from a parent without TensorFlow; the usual one stays for later tests."""
    from warm_parents import LIGHT, parent_of_its_own

    with parent_of_its_own(LIGHT):
        yield
