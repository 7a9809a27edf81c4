"""``make seeds Q=24``: run a page as it was not tuned; claims and checks only.

That is with three other base seeds, and then with its own seed and twice the training
(CNN50_TRAINING=2). Every claim must hold each time. One that ends with twice the training may fail
there if the front matter says so under ``ends_at_doubled``, with a sentence that is printed.

What was measured and the margins are kept in ``cnn50/measured/seeds.json``. A margin is how far the
bound of the interval that matters clears its threshold, as a ratio, at the worst of the seeds.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock

from tools.options import parser, told
from tools.pages.files import read_json, write_json
from tools.pages.page import Page, pages
from tools.pages.questions import find_question
from tools.parallel import in_parallel
from tools.verify.trial import Heard, is_named, listen

SEEDS = (1000, 2000, 3000)


class Trial(NamedTuple):
    """A base seed, and how many times the training."""

    seed: int
    training: int = 1

    def __str__(self) -> str:
        return f"seed {self.seed}" if self.training == 1 else "twice the training"


UNDER_SEEDS = tuple(map(Trial, SEEDS))
DOUBLED = Trial(0, 2)


def margin(claims: Iterable[dict[str, Any]]) -> float | None:
    """The smallest of the claims' margins, above 1 where all hold with room.

    None where no ratio says anything: for a check, a threshold of 0, or one of the other sign.
    """
    ratios = [_margin(claim) for claim in claims]
    known = [ratio for ratio in ratios if ratio is not None]
    return min(known) if known and len(known) == len(ratios) else None


def _margin(claim: dict[str, Any]) -> float | None:
    if claim["kind"] == "check":
        return None
    low, high, least, most = (claim[key] for key in ("low", "high", "at_least", "at_most"))
    if least is not None and most is not None and least == -most:  # no difference, within a margin
        return _ratio(most, max(abs(low), abs(high)))
    ratios = [_ratio(low, least)] if least is not None else []
    ratios += [_ratio(most, high)] if most is not None else []
    if not ratios or None in ratios:
        return None
    return min(ratio for ratio in ratios if ratio is not None)


def _ratio(larger: float, smaller: float) -> float | None:
    if larger > 0 and smaller > 0:
        return larger / smaller
    if larger < 0 and smaller < 0:
        return smaller / larger
    return None


def run_trial(item: tuple[str, Trial], root: Path) -> Heard:
    """What a page claims and checks in one trial."""
    slug, trial = item
    page = Page(find_question(slug, root), root)
    settings = {"CNN50_BASE_SEED": str(trial.seed), "CNN50_TRAINING": str(trial.training)}
    return listen(page.evidence_code, root, trial.training * page.budget, **settings)


def gather(heard: dict[Trial, Heard]) -> list[dict[str, Any]]:
    """One row a claim or check: thresholds, what the seeds gave, margin, whether it always held."""
    rows = []
    for said in zip(*(heard[trial].claims for trial in UNDER_SEEDS), strict=True):
        kept = {key: said[0][key] for key in ("kind", "text", "at_least", "at_most")}
        values = {
            name: [_rounded(claim[key]) for claim in said]
            for name, key in (("values", "value"), ("lows", "low"), ("highs", "high"))
        }
        held = all(claim["held"] for claim in said)
        rows.append(kept | values | {"margin": _rounded(margin(said)), "held": held})
    return rows


def with_doubled(rows: list[dict[str, Any]], heard: Heard) -> list[dict[str, Any]]:
    """The rows with what twice the training gave."""
    return [
        row
        | {
            "doubled": {
                "value": _rounded(claim["value"]),
                "low": _rounded(claim["low"]),
                "high": _rounded(claim["high"]),
                "margin": _rounded(margin([claim])),
                "held": claim["held"],
            }
        }
        for row, claim in zip(rows, heard.claims, strict=True)
    ]


def _rounded(value: float | None) -> float | None:
    return float(f"{value:.4g}") if value is not None and math.isfinite(value) else None


def where_it_ends(page: Page, claim: dict[str, Any]) -> str:
    """The sentence that says where a claim ends with more training; mostly empty."""
    listed = page.facts.get("ends_at_doubled") or {}
    return next((str(s) for beginning, s in listed.items() if is_named(claim, beginning)), "")


def report(page: Page, rows: list[dict[str, Any]]) -> bool:
    """Print what a page's claims and checks gave; whether all is well."""
    good = bool(rows)
    for row in rows:
        room = "" if row["margin"] is None else f", margin {row['margin']:.2f}"
        held = "holds" if row["held"] else "FAILS"
        kind = "check " if row["kind"] == "check" else ""
        values = ", ".join(map(_told, row["values"]))
        print(f"{page.name} {held}: {kind}{row['text']} | {values} ({_bounds(row)}{room})")
        doubled, ends = row["doubled"], where_it_ends(page, row)
        if not doubled["held"] or ends:
            state = "holds" if doubled["held"] else "ends, as the page says," if ends else "FAILS"
            print(
                f"{page.name} {state} with twice the training: {kind}{row['text']} | "
                f"{_told(doubled['value'])} ({_told(doubled['low'])} to {_told(doubled['high'])}; "
                f"{_bounds(row)})" + (f". {ends}" if ends else "")
            )
        good &= row["held"] and (doubled["held"] or bool(ends))
    return good


def _bounds(row: dict[str, Any]) -> str:
    return " and ".join(
        f"{word} {row[key]:g}"
        for key, word in (("at_least", "at least"), ("at_most", "at most"))
        if row[key] is not None
    )


def _told(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.4g}"


def stored(root: Path, page: Page) -> dict[str, Any]:
    """What is kept of a page as it is now; empty where its code has changed since."""
    row = read_json(root / "cnn50" / "measured" / "seeds.json").get(page.name, {})
    return row if row.get("fingerprint") == page.evidence_fingerprint else {}


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


def try_seeds(root: Path, only: str, jobs: int, doubled_only: bool = False) -> int:
    """Run the pages in all trials, print and store what they gave; 1 where something fails."""
    found = pages(root, only)
    trials = (DOUBLED,) if doubled_only else (*UNDER_SEEDS, DOUBLED)
    heard: dict[str, dict[Trial, Heard]] = {page.slug: {} for page in found}
    items = [(page.slug, trial) for page in found for trial in trials]
    print(f"{len(found)} pages, each with {', '.join(map(str, trials))}", flush=True)
    for (slug, trial), said in in_parallel(partial(run_trial, root=root), items, jobs):
        heard[slug][trial] = said
        held = sum(claim["held"] for claim in said.claims)
        end = f"ended by {said.error}" if said.error else "complete"
        count = len(said.claims)
        print(f"{slug} {trial}: {held} of {count} claims and checks hold, {end}", flush=True)
    good = True
    for page in found:
        trialled = heard[page.slug]
        known = stored(root, page).get("claims", []) if doubled_only else []
        counts = {len(said.claims) for said in trialled.values()}
        if any(said.error for said in trialled.values()) or len(counts) != 1:
            print(f"{page.name} FAILED: not every run went through all claims; nothing is stored")
            good = False
            continue
        if doubled_only and counts != {len(known)}:
            print(
                f"{page.name}: nothing is stored, since the seeds are not known for this code: "
                f"run `make seeds Q={page.question.number}`"
            )
            good = False
            continue
        rows = with_doubled(known or gather(trialled), trialled[DOUBLED])
        good &= report(page, rows)
        store(root, page, rows)
    return 0 if good else 1


def main(arguments: list[str] | None = None) -> int:
    command = parser(__doc__)
    command.add_argument(
        "--steps", choices=["2"], help="only the run with this many times the training"
    )
    options = command.parse_args(arguments)
    return told(try_seeds, options.root, options.pages, options.jobs, options.steps == "2")


if __name__ == "__main__":
    sys.exit(main())
