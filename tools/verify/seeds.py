"""``make seeds Q=24``: run a page with three base seeds it was not tuned on; claims only.

The values and the margins that they leave are kept in ``cnn50/measured/seeds.json``. A margin is
how many times the measured effect exceeds its threshold, at the worst of the seeds.
"""

from __future__ import annotations

import math
import sys
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock

from tools.options import parser, told
from tools.pages.files import read_json, write_json
from tools.pages.page import Page, pages
from tools.pages.questions import find_question
from tools.parallel import in_parallel
from tools.verify.trial import Heard, listen

SEEDS = (1000, 2000, 3000)


def margin(values: list[float], at_least: float | None, at_most: float | None) -> float | None:
    """The smallest ratio of a value to its threshold, above 1 where all hold with room.

    None where a threshold is 0, or has the other sign than the values: no ratio says anything.
    """
    ratios = []
    for value in values:
        if at_least is not None:
            ratios.append(_ratio(value, at_least))
        if at_most is not None:
            ratios.append(_ratio(at_most, value))
    if not ratios or any(ratio is None for ratio in ratios):
        return None
    return min(ratio for ratio in ratios if ratio is not None)


def _ratio(larger: float, smaller: float) -> float | None:
    if larger > 0 and smaller > 0:
        return larger / smaller
    if larger < 0 and smaller < 0:
        return smaller / larger
    return None


def run_seed(item: tuple[str, int], root: Path) -> Heard:
    """The claims of a page under one base seed."""
    slug, seed = item
    page = Page(find_question(slug, root), root)
    return listen(page.evidence_code, root, page.budget, CNN50_BASE_SEED=str(seed))


def gather(heard: dict[int, Heard]) -> list[dict[str, Any]]:
    """One row a claim: its text, thresholds, values by seed, margin, and whether it always held."""
    rows = []
    for said in zip(*(heard[seed].claims for seed in SEEDS), strict=True):
        first = said[0]
        values = [claim["value"] for claim in said]
        room = margin(values, first["at_least"], first["at_most"])
        rows.append(
            {
                "text": first["text"],
                "at_least": first["at_least"],
                "at_most": first["at_most"],
                "values": [_rounded(value) for value in values],
                "margin": None if room is None else _rounded(room),
                "held": all(claim["held"] for claim in said),
            }
        )
    return rows


def _rounded(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None


def report(page: Page, rows: list[dict[str, Any]]) -> bool:
    """Print a page's claims under the seeds; whether all held."""
    for row in rows:
        bounds = [
            f"{word} {row[key]:g}"
            for key, word in (("at_least", "at least"), ("at_most", "at most"))
            if row[key] is not None
        ]
        values = ", ".join("not finite" if v is None else f"{v:.4g}" for v in row["values"])
        room = "" if row["margin"] is None else f", margin {row['margin']:.2f}"
        held = "holds" if row["held"] else "FAILS"
        print(f"{page.name} {held}: {row['text']} | {values} ({' and '.join(bounds)}{room})")
    return bool(rows) and all(row["held"] for row in rows)


def store(root: Path, page: Page, rows: list[dict[str, Any]]) -> None:
    """Keep a page's rows under the fingerprint of the code that gave them."""
    path = root / "cnn50" / "measured" / "seeds.json"
    (root / ".cache").mkdir(exist_ok=True)
    with FileLock(root / ".cache" / "measured.lock"):
        known = read_json(path)
        known[page.name] = {
            "fingerprint": page.evidence_fingerprint,
            "seeds": list(SEEDS),
            "claims": rows,
        }
        write_json(path, known)


def try_seeds(root: Path, only: str, jobs: int) -> int:
    """Run the pages with all seeds, print and store what their claims gave; 1 where one fails."""
    found = pages(root, only)
    heard: dict[str, dict[int, Heard]] = {page.slug: {} for page in found}
    items = [(page.slug, seed) for page in found for seed in SEEDS]
    print(f"{len(found)} pages, base seeds {', '.join(map(str, SEEDS))}", flush=True)
    for (slug, seed), said in in_parallel(partial(run_seed, root=root), items, jobs):
        heard[slug][seed] = said
        held = sum(claim["held"] for claim in said.claims)
        end = f"ended by {said.error}" if said.error else "complete"
        print(f"{slug} seed {seed}: {held} of {len(said.claims)} claims hold, {end}", flush=True)
    good = True
    for page in found:
        counts = {len(said.claims) for said in heard[page.slug].values()}
        if any(said.error for said in heard[page.slug].values()) or len(counts) != 1:
            print(f"{page.name} FAILED: not every seed ran through all claims; nothing is stored")
            good = False
            continue
        rows = gather(heard[page.slug])
        good &= report(page, rows)
        store(root, page, rows)
    return 0 if good else 1


def main(arguments: list[str] | None = None) -> int:
    options = parser(__doc__).parse_args(arguments)
    return told(try_seeds, options.root, options.pages, options.jobs)


if __name__ == "__main__":
    sys.exit(main())
