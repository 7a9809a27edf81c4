"""Several pages at a time, each in a process of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(
    function: Callable[[Item], Result], items: list[Item], jobs: int
) -> Iterator[tuple[Item, Result]]:
    """Each item with its result, as they are done; work starts in the order of ``items``.

    Processes are spawned, since the fork of a process that has threads may hang.
    """
    if not items:
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(items)), mp_context=context) as pool:
        running = {pool.submit(function, item): item for item in items}
        for future in as_completed(running):
            yield running[future], future.result()
