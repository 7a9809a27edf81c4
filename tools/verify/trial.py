"""Running a page under changed circumstances and listening to its claims only."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from tools.pages.cells import Cell
from tools.pages.page import squash
from tools.verify.kernel import CellFailed, Run, first_line


@dataclass
class Heard:
    """The claims of a run, in order, and the error that ended it, if one did."""

    claims: list[dict[str, Any]] = field(default_factory=list)
    error: str = ""


def listen(
    cells: Iterable[Cell],
    root: Path,
    budget: float,
    *,
    prelude: str = "",
    stop: Callable[[list[dict[str, Any]]], bool] = lambda claims: False,
    **settings: str,
) -> Heard:
    """Run cells in a fresh kernel with claims reported, not raised.

    prelude   code that runs first, unseen by the page
    stop      looks at the claims so far after each cell; where true, the run ends
    settings  environment variables, such as CNN50_BASE_SEED
    """
    sources = [prelude, *(cell.source for cell in cells)]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(s) for s in sources])
    heard = Heard()
    with tempfile.TemporaryDirectory(prefix="claims-") as folder:
        log = Path(folder) / "claims.jsonl"
        settings = {"CNN50_CLAIMS": "report", "CNN50_CLAIM_LOG": str(log), **settings}
        try:
            with Run(notebook, root, budget, **settings) as run:
                for place in range(len(sources)):
                    run.cell(place)
                    heard.claims = _read(log)
                    if stop(heard.claims):
                        break
        except CellFailed as error:
            heard.claims = _read(log)
            last = str(error).strip().splitlines()[-1]
            heard.error = (
                f"{error.kind} in code cell {place} ({first_line(sources[place])}): {last}"
            )
    return heard


def _read(log: Path) -> list[dict[str, Any]]:
    if not log.exists():
        return []
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def is_named(claim: dict[str, Any], beginning: str) -> bool:
    """Whether the claim's text begins as a page's front matter names it."""
    return squash(claim["text"]).startswith(squash(beginning))


def failed(claim: dict[str, Any]) -> bool:
    """Whether the claim was measured and does not hold: no number is no measurement."""
    return not claim["held"] and math.isfinite(claim["value"])
