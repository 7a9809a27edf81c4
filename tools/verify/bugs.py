"""``make bugs FILE=bugs.json``: put bugs of anybody's choice into pages and see what notices.

The file is a list of changes, ``[{"page": "q16", "find": "...", "replace": "...", "why": "..."}]``:
one line of the page's code before the exercises is changed, and the page runs until a claim or a
check fails. Where none does the bug survives; an exception alone is told apart, since a reader who
made that mistake would be stopped by Python and not by the page. Nothing is stored.
"""

from __future__ import annotations

import ast
import json
import sys
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from tools.options import parser, told
from tools.pages.cells import Cell
from tools.pages.page import Page, last_seconds
from tools.pages.questions import PageError, find_question
from tools.parallel import in_parallel
from tools.verify.breaks import broken
from tools.verify.trial import listen

KEYS = ("page", "find", "replace", "why")
KILLED, RAISES, SURVIVES = "killed", "only raises an error", "SURVIVES"


@dataclass(frozen=True)
class Bug:
    """One line of a page, changed as somebody might get it wrong, and why they might."""

    page: str
    find: str
    replace: str
    why: str


@dataclass(frozen=True)
class Outcome:
    """What became of a bug, and the claim, check or error that says so."""

    verdict: str
    detail: str


def read(path: Path, root: Path) -> list[Bug]:
    """The bugs in a file. ``PageError`` names the first that cannot be tried, and says why."""
    try:
        listed = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PageError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise PageError(f"{path} is no JSON: {error}") from error
    if not isinstance(listed, list) or not listed:
        raise PageError(f"{path} must hold a list of bugs, each with {', '.join(KEYS)}")
    return [_bug(number, entry, root) for number, entry in enumerate(listed, start=1)]


def _bug(number: int, entry: Any, root: Path) -> Bug:
    where = f"bug {number}"
    if not isinstance(entry, dict) or set(entry) != set(KEYS):
        got = ", ".join(entry) if isinstance(entry, dict) else repr(entry)
        raise PageError(f"{where} must have {', '.join(KEYS)}, and nothing else; it has {got}")
    wrong = [key for key in KEYS if not isinstance(entry[key], str)]
    if wrong:
        raise PageError(f"{where}: {wrong[0]} must be a text; it is {entry[wrong[0]]!r}")
    bug = Bug(**entry)
    where += f" ({bug.page}, {bug.find!r})"
    if not bug.find.strip() or bug.find == bug.replace:
        raise PageError(f"{where} changes nothing")
    try:
        page = Page(find_question(bug.page, root), root)
        if not page.text_path.exists():
            raise PageError(f"there is no page {bug.page} yet")
        cells = with_bug(page, bug)
    except PageError as error:
        raise PageError(f"{where} cannot be applied: {error}") from error
    if any(cell.tree is None for cell in cells):
        raise PageError(f"{where} gives code that does not parse")
    return replace(bug, page=page.slug)


def with_bug(page: Page, bug: Bug) -> list[Cell]:
    """The page's code before the exercises with the bug in it.

    As for a break, but the line may stand beside a claim, as long as it is no part of one.
    """
    cells = broken(page, bug.find, bug.replace, beside_claims=True)
    home = next(cell for cell in page.code if bug.find in cell.source)
    if home not in page.evidence_code:
        raise PageError("it stands in the exercises or behind them, where no claim is at stake")
    if not outside_claims(home, bug.find):
        raise PageError("it is part of a claim or a check: change what they measure")
    return cells


def outside_claims(cell: Cell, find: str) -> bool:
    """Whether a text of the cell lies outside of all calls of ``claim`` and ``check``."""
    start = cell.source.index(find)
    end = start + len(find)
    begins = [0]
    for line in cell.source.splitlines(keepends=True):
        begins.append(begins[-1] + len(line))

    def place(line: int, column: int) -> int:
        text = cell.source[begins[line - 1] : begins[line]]
        return begins[line - 1] + len(text.encode()[:column].decode())

    for node in ast.walk(cell.tree) if cell.tree else ():
        if isinstance(node, ast.Call) and _name(node) in ("claim", "check"):
            first = place(node.lineno, node.col_offset)
            last = place(node.end_lineno or node.lineno, node.end_col_offset or 0)
            if start < last and first < end:
                return False
    return True


def _name(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def try_bug(bug: Bug, root: Path) -> Outcome:
    """Run a page with a bug until a claim or a check fails."""
    page = Page(find_question(bug.page, root), root)
    heard = listen(
        with_bug(page, bug),
        root,
        page.budget,
        stop=lambda claims: any(not claim["held"] for claim in claims),
    )
    for claim in heard.claims:
        if not claim["held"]:
            return Outcome(KILLED, f"the {claim['kind']} {claim['text']!r} = {claim['value']:.4g}")
    if heard.error:
        return Outcome(RAISES, heard.error)
    return Outcome(SURVIVES, f"all {len(heard.claims)} claims and checks hold")


def try_bugs(root: Path, path: Path, jobs: int) -> int:
    """Try the bugs of a file and print what became of them; 1 where one was not killed."""
    bugs = read(path, root)
    found = {bug.page: Page(find_question(bug.page, root), root) for bug in bugs}
    order = sorted(bugs, key=lambda bug: -last_seconds(found[bug.page]))
    print(f"{len(bugs)} bugs on {len(found)} pages", flush=True)
    verdicts = []
    for bug, outcome in in_parallel(partial(try_bug, root=root), order, jobs):
        verdicts.append(outcome.verdict)
        print(f"{found[bug.page].name} | {bug.find} -> {bug.replace} | {bug.why}")
        print(f"    {outcome.verdict}: {outcome.detail}", flush=True)
    killed, raising = verdicts.count(KILLED), verdicts.count(RAISES)
    others = f"; {raising} more only raise an error" if raising else ""
    print(f"{killed} of {len(bugs)} killed{others}.")
    return 0 if killed == len(bugs) else 1


def main(arguments: list[str] | None = None) -> int:
    command = parser(__doc__)
    command.add_argument("--file", type=Path, required=True, help="the list of bugs, JSON")
    options = command.parse_args(arguments)
    return told(try_bugs, options.root, options.file, options.jobs)


if __name__ == "__main__":
    sys.exit(main())
