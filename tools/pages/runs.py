"""``notebooks/runs.json``: what the last stored run of each notebook used.

``processor_s`` are processor seconds of the kernel and all that it started, its start included, and
``wall_s`` seconds of the clock without the start. Processor seconds are what budgets are held to:
they are nearly the same on a busy machine, where the clock tells of everything that ran beside.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tools.pages.files import read_json

PROCESSOR_PER_WALL = 1.2
"""Processor seconds per second of the clock that a page takes by itself on two quiet cores.

TensorFlow uses both, but not all the time, so that this lies between 1 and 2. Measured on a virtual
machine of two cores in November 2026, one page at a time with priority over all else, on all pages
then written but questions 24 and 36: 1,026 processor seconds in 871 s, or 1.18, the pages from 0.95
to 1.38. Other processes still took most of one core, which makes the ratio small rather than large.
"""

LARGEST_BUDGET = 145.0
"""Processor seconds that one page may ask for: 120 s of the clock on two quiet cores."""


def stored_runs(root: Path) -> dict[str, dict[str, Any]]:
    """The last stored runs by slug. Of one that only the clock was read for, the rest is estimated.

    Such a row, of an older form of the file, is marked ``converted``.
    """
    rows = read_json(root / "notebooks" / "runs.json")
    return {slug: _converted(row) if "seconds" in row else row for slug, row in rows.items()}


def _converted(row: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name != "seconds"}
    return kept | {
        "processor_s": round(PROCESSOR_PER_WALL * row["seconds"], 1),
        "wall_s": row["seconds"],
        "converted": True,
    }
