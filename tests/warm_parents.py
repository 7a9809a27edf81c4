"""Warm parents of kernels beside the one that this process has: that one is dear, and is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from tools.verify import warm_kernel

LIGHT = """\
from tools.verify import warm_parent

HEAVY = ("scipy", "sklearn", "skimage", "tensorflow", "keras")
warm_parent.PRELOADED = [n for n in warm_parent.PRELOADED if n.split(".")[0] not in HEAVY]
warm_parent.main()
"""
"""Starts a parent that is ready at once: it imports what a kernel and a plot need."""


@contextmanager
def parent_of_its_own(start: str = warm_kernel.START) -> Iterator[None]:
    """Kernels are forked from another parent, started in this way, that ends with the context."""
    with mock.patch.multiple(warm_kernel, _parents=[], _refused=[], START=start):
        try:
            yield
        finally:
            warm_kernel.stop_warm_parents()
