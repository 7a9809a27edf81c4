"""``make overhead``: what a notebook costs before and after its own cells, cold and warm.

The same notebook, which only imports what every page imports, is run in ordinary and in forked
kernels in turn, so that what else the machine does falls on both. A run is kernel start, imports
and shutdown. The start of the warm parent is reported apart: it is paid once per worker.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from datetime import date
from pathlib import Path

import nbformat

from tools import ROOT
from tools.options import told
from tools.pages.dependencies import pins
from tools.pages.files import write_json
from tools.verify.kernel import Run, environment
from tools.verify.warm_kernel import can_be_warm, warm_parent

IMPORTS = """\
import cnn50
import keras
import numpy as np
import tensorflow as tf
from cnn50 import data, figures, scenes
from cnn50.evidence import claim, repeat
"""
PLACE = Path("cnn50", "measured", "overhead.json")


def seconds(root: Path, warm: bool) -> float:
    """One kernel from its start to its end, with the imports of a page between them."""
    os.environ["CNN50_WARM"] = "1" if warm else "0"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(IMPORTS)])
    start = time.perf_counter()
    with Run(notebook, root, budget=120) as run:
        run.cell(0)
    return time.perf_counter() - start


def measure(root: Path, pairs: int) -> int:
    """Print and store the pairs; 1 where this machine cannot fork kernels."""
    if not can_be_warm():
        print("Kernels cannot be forked here, so that there is nothing to compare.")
        return 1
    start = time.perf_counter()
    warm_parent(sys.executable, environment(root))
    parent = time.perf_counter() - start
    rows = []
    for number in range(pairs):
        cold, warm = seconds(root, warm=False), seconds(root, warm=True)
        rows.append({"cold": round(cold, 2), "warm": round(warm, 2)})
        print(f"pair {number + 1}: cold {cold:.2f} s, warm {warm:.2f} s", flush=True)
    middle = {name: statistics.median(row[name] for row in rows) for name in ("cold", "warm")}
    print(f"medians: cold {middle['cold']:.2f} s, warm {middle['warm']:.2f} s a notebook")
    print(f"start of the warm parent, once per worker: {parent:.2f} s")
    facts = {
        "date": date.today().isoformat(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": {name: pins(root)[name] for name in ("tensorflow", "keras")},
        "parent": round(parent, 2),
        "pairs": rows,
    }
    write_json(root / PLACE, facts)
    return 0


def main(arguments: list[str] | None = None) -> int:
    command = argparse.ArgumentParser(description=__doc__)
    command.add_argument("--root", type=Path, default=ROOT)
    command.add_argument("--pairs", type=int, default=7)
    options = command.parse_args(arguments)
    return told(measure, options.root, options.pairs)


if __name__ == "__main__":
    sys.exit(main())
