"""Several pages at a time, each in a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(
    function: Callable[[Item], Result], items: list[Item], jobs: int
) -> Iterator[tuple[Item, Result]]:
    """Each item with its result, as they are done; work starts in the order of ``items``.

    Processes are spawned, since the fork of a process that has threads may hang. They end with the
    process that called, however it ends.
    """
    if not items:
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(jobs, len(items)), context, end_with_caller) as pool:
        running = {pool.submit(function, item): item for item in items}
        for future in as_completed(running):
            yield running[future], future.result()


def end_with_caller() -> None:
    """In a worker: end as soon as the process that started it has ended, killed or not."""
    caller = multiprocessing.parent_process()
    assert caller is not None

    def wait_and_end() -> None:
        caller.join()
        os._exit(1)

    threading.Thread(target=wait_and_end, daemon=True).start()
