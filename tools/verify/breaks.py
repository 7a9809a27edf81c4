"""``make breaks``: break every page on purpose, and see that its claims notice.

For each line that a page's front matter names under ``breaks``, the line is changed in a copy, the
copy runs up to the named claim, and that claim must fail with a finite value. On pages that train,
the breaks of ``tools/verify/universal_breaks.py`` must make at least one claim fail. What came of a
break is kept, and a break is tried again only where the code up to its claim has changed since.
"""

from __future__ import annotations

import ast
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock

from tools.options import parser, told
from tools.pages.cells import Cell, checks_in, claims_in
from tools.pages.dependencies import code_fingerprint, used_parts
from tools.pages.files import read_json, write_json
from tools.pages.page import Page, last_seconds, pages, squash
from tools.pages.questions import PageError, find_question
from tools.parallel import in_parallel
from tools.verify import universal_breaks
from tools.verify.trial import failed, is_named, listen

KILLED = "fails, as it must"
UNAPPLIED = "cannot be applied"
NOT_STORED = (UNAPPLIED, "spared")


@dataclass(frozen=True)
class Break:
    """One thing to break on a page, and the claim or check that it must make fail.

    ``claim`` is how that begins; it is empty for universal breaks, where any claim counts.
    """

    page: str
    label: str
    find: str = ""
    replace: str = ""
    claim: str = ""


@dataclass(frozen=True)
class Verdict:
    """What became of a break: the claim that failed with its value, or why none counts."""

    verdict: str
    claim: str = ""
    value: float | None = None

    @property
    def ok(self) -> bool:
        return self.verdict == KILLED or self.verdict.startswith("spared")


def trains(page: Page) -> bool:
    """Whether the page's code before the exercises, or what it uses of ``cnn50.shown``, trains."""
    trees = [cell.tree for cell in page.evidence_code if cell.tree is not None]
    if any(_is_training(node) for tree in trees for node in ast.walk(tree)):
        return True
    shown = [
        form
        for module, forms in used_parts(page.root, trees)[0].items()
        if module.startswith("cnn50.shown")
        for form in forms
    ]
    return any("attr='fit'" in form or "attr='apply_gradients'" in form for form in shown)


def _is_training(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return False
    if node.func.attr in ("fit", "partial_fit", "train_on_batch", "apply_gradients"):
        return True
    return node.func.attr == "apply" and "optim" in ast.unparse(node.func.value).lower()


def breaks_of(page: Page) -> list[Break]:
    """All breaks of a page: those its author wrote, then the universal ones where it trains."""
    found = [
        Break(page.slug, f"{b['find']} -> {b['replace']}", b["find"], b["replace"], b["fails"])
        for key in ("breaks", "check_breaks")
        for b in page.facts.get(key) or []
    ]
    if trains(page):
        found += [Break(page.slug, name) for name in universal_breaks.NAMES]
    return found


def broken(page: Page, find: str, replacement: str, beside_claims: bool = False) -> list[Cell]:
    """The page's code before the exercises with one line changed. ``PageError`` where it cannot.

    Only with ``beside_claims`` may the line stand in a cell that calls claim.
    """
    homes = [cell for cell in page.code if find in cell.source]
    times = sum(cell.source.count(find) for cell in homes)
    if times != 1:
        raise PageError(f"{find!r} occurs {times} times in the code; it must occur exactly once")
    if claims_in(homes[0]) and not beside_claims:
        raise PageError(f"{find!r} stands in a cell that calls claim: a break must not touch it")
    return [
        replace(cell, source=cell.source.replace(find, replacement)) if cell is homes[0] else cell
        for cell in page.evidence_code
    ]


def fingerprint(page: Page, item: Break, claim: str) -> str:
    """Changes with the broken code up to the claim, and so with all that the verdict rests on."""
    cells = broken(page, item.find, item.replace) if item.claim else page.evidence_code
    named = [
        place
        for place, cell in enumerate(cells)
        for made in (*claims_in(cell), *checks_in(cell))
        if squash(claim).startswith(squash(made.text))
    ]
    end = named[0] + 1 if named and claim else len(cells)
    return code_fingerprint(cells[:end], item.label)


def is_about(row: dict[str, Any], item: Break) -> bool:
    """Whether a stored row tells of this break: the same change, and the claim it should fail."""
    return row["break"] == item.label and squash(row["claim"]).startswith(squash(item.claim))


def known_verdicts(page: Page) -> dict[Break, Verdict]:
    """The verdicts of earlier runs that still hold, since the code up to the claim is the same."""
    rows = read_json(page.root / "cnn50" / "measured" / "breaks.json").get(page.name) or []
    found = {}
    for item in breaks_of(page):
        row = next((row for row in rows if is_about(row, item)), None)
        if reason := reason_to_spare(page, item):
            found[item] = Verdict(f"spared: {reason}")
            continue
        try:
            if row and row["fingerprint"] == fingerprint(page, item, row["claim"]):
                found[item] = Verdict(row["verdict"], row["claim"], row["value"])
        except PageError:
            continue
    return found


def reason_to_spare(page: Page, item: Break) -> str:
    """Why a page need not fail under a universal break, as its front matter says; mostly empty."""
    return "" if item.claim else (page.facts.get("spared") or {}).get(item.label, "")


def try_break(item: Break, root: Path) -> Verdict:
    """Run one broken page and judge its claims."""
    page = Page(find_question(item.page, root), root)
    if not item.claim:
        return _try_universal(page, item.label)
    try:
        cells = broken(page, item.find, item.replace)
    except PageError as error:
        return Verdict(f"{UNAPPLIED}: {error}")

    def reached(claims: list[dict[str, Any]]) -> bool:
        return any(is_named(claim, item.claim) for claim in claims)

    heard = listen(cells, root, page.budget, stop=reached)
    for claim in heard.claims:
        if is_named(claim, item.claim):
            return Verdict(_judge(claim), claim["text"], claim["value"])
    if heard.error:
        return Verdict(f"something else broke before the claim: {heard.error}")
    return Verdict(f"no claim begins {item.claim!r}")


def _try_universal(page: Page, name: str) -> Verdict:
    heard = listen(
        page.evidence_code,
        page.root,
        page.budget,
        prelude=universal_breaks.prelude(name),
        stop=lambda claims: any(_shows_learning(claim) for claim in claims),
    )
    for claim in heard.claims:
        if _shows_learning(claim):
            return Verdict(KILLED, claim["text"], claim["value"])
    if heard.error:
        return Verdict(f"something else broke before a claim failed: {heard.error}")
    return Verdict("SURVIVES: every claim still holds, so none of them shows that learning matters")


def _shows_learning(claim: dict[str, Any]) -> bool:
    """Whether this is a claim that failed: a failed check says nothing about what was learnt."""
    return claim["kind"] == "claim" and failed(claim)


def _judge(claim: dict[str, Any]) -> str:
    if failed(claim):
        return KILLED
    if claim["held"]:
        return "SURVIVES: the claim still holds, so it does not rest on this line"
    return f"the claim's value is {claim['value']}: a measurement must be a finite number"


def store(root: Path, page: Page, verdicts: dict[Break, Verdict]) -> None:
    """Keep what became of a page's breaks, so that tests can ask for it without running it."""
    path = root / "cnn50" / "measured" / "breaks.json"
    rows = [
        {
            "break": item.label,
            "claim": verdicts[item].claim,
            "fingerprint": fingerprint(page, item, verdicts[item].claim),
            "value": _rounded(verdicts[item].value),
            "verdict": verdicts[item].verdict,
        }
        for item in breaks_of(page)
        if not verdicts[item].verdict.startswith(NOT_STORED)
    ]
    (root / ".cache").mkdir(exist_ok=True)
    with FileLock(root / ".cache" / "measured.lock"):
        known = read_json(path)
        known[page.name] = rows
        write_json(path, known)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def break_pages(root: Path, only: str, jobs: int, force: bool = False) -> int:
    """Try the breaks of the pages, print and store what came of them; 1 where one is no proof."""
    found = pages(root, only)
    chosen = {page.slug: page for page in found}
    items = [item for page in found for item in breaks_of(page)]
    verdicts: dict[Break, Verdict] = {}
    if not force:
        for page in found:
            verdicts |= known_verdicts(page)
    to_try = [item for item in items if item not in verdicts]
    to_try.sort(key=lambda item: -last_seconds(chosen[item.page]))
    print(
        f"{len(items)} breaks on {len(found)} pages, {len(to_try)} of them to be tried", flush=True
    )
    for item, verdict in verdicts.items():
        print(_row(chosen[item.page], item, verdict) + " (known)")
    trial = partial(try_break, root=root)
    for item, verdict in in_parallel(trial, to_try, jobs):
        verdicts[item] = verdict
        print(_row(chosen[item.page], item, verdict), flush=True)
    for page in found:
        store(root, page, verdicts)
    good = sum(verdict.ok for verdict in verdicts.values())
    print(f"{good} of {len(items)} breaks make a claim fail, as they must.")
    return 0 if good == len(items) else 1


def _row(page: Page, item: Break, verdict: Verdict) -> str:
    """Page, break, claim with the value measured under the break, verdict."""
    value = "" if verdict.value is None else f" = {verdict.value:.4g}"
    return f"{page.name} | {item.label} | {verdict.claim}{value} | {verdict.verdict}"


def main(arguments: list[str] | None = None) -> int:
    command = parser(__doc__)
    command.add_argument("--force", action="store_true", help="try breaks with known verdicts, too")
    options = command.parse_args(arguments)
    return told(break_pages, options.root, options.pages, options.jobs, options.force)


if __name__ == "__main__":
    sys.exit(main())
