"""The anatomy of a question page, as rules. Each returns messages that say what to do.

A rule sees the form of a page, not its truth. ``check`` applies all of them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import yaml
from nbformat import NotebookNode

from tools.pages.cells import Claim, cells_of, number
from tools.pages.drawn import only_draw
from tools.pages.files import read_json, read_text
from tools.pages.page import Page, setup_cell, squash
from tools.pages.questions import PageError, questions
from tools.pages.runs import LARGEST_BUDGET, PROCESSOR_PER_WALL, stored_runs
from tools.verify.breaks import breaks_of, broken, known_verdicts, trains
from tools.verify.seeds import where_it_ends
from tools.verify.universal_breaks import NAMES as UNIVERSAL

SECTIONS = (
    "Answer",
    "Evidence",
    "What people get wrong",
    "Check yourself",
    "Exercises",
    "On a GPU",
    "Sources",
)
BREATH_WORDS = 60
ANSWER_WORDS = (500, 1200)
ANSWER_SHORTEST_DETAILS = 15
CLAIMS = {1: (5, 9), 2: (5, 9), 3: (5, 11)}
"""Fewest and most claims, by stars: few that bear weight, and room for what the title asks."""
CODE_LINES = {1: 500, 2: 500, 3: 770}
"""Lines of code by stars: about 450, and 700 for three stars, with a tenth to spare."""
CODE_CELLS = {1: 50, 2: 50, 3: 70}
"""Code cells by stars: about 45, and 65 for three stars."""
FULL_SIZE_ROWS = 3
WITHOUT_CLAIM = ("In detail:", "In small:")
"""How a heading under Evidence begins that no claim holds to: it shows how a technique works."""
LEAST_MISTAKES = 2
LEAST_SOURCES = 3
CELL_LINES = 25
CELL_WIDTH = 100
DRAWING_LINES = 5
"""How many lines of code that only draws may stand unfolded between the text."""
NOTEBOOK_BYTES = 600_000
BUDGET_OF_ALL = 2000 * PROCESSOR_PER_WALL
"""Processor seconds of all fifty pages together: 2,000 s of the clock on two quiet cores."""
ALLOWANCE = 3.0
"""How many times its budget a page's last run may have used. Processor seconds do not grow while a
page waits for its turn, but they do vary. Processes that share a core empty each other's caches: on
a virtual machine of two cores in November 2026, question 2 used 9.8 and 10.4 with the cores to
itself, and 13.5 to 15.6 beside about ten busy processes, where the clock went from 11 to 67 s;
question 16 used 53 and 78 (45 and 341 s). And processors differ: three pages that train
convolutions (questions 4, 18 and 34) used about three times what their earlier runs on another
machine would say, six others about as much."""
SMALLEST_BUDGET = 20

MYST = re.compile(
    r"^(?:`{3,}\{(?!code-cell).*|:::.*|\([\w-]+\)=)|\{[\w:+-]+\}`[^`]*`|^\s*%\s.*$", re.M
)
TITLE = "# @title Solution"


def title(page: Page) -> Iterator[str]:
    """The title is the question, verbatim, behind its number."""
    wanted = f"# {page.question.number}. {page.question.title}"
    found = re.search(r"^# .*$", prose(page), re.M)
    if not found or found.group(0).strip() != wanted:
        yield f"the title is not the question, verbatim: write {wanted!r}"


def sections(page: Page) -> Iterator[str]:
    """The sections, all of them and in their order."""
    found = re.findall(r"^## (.+?)\s*$", prose(page), re.M)
    if found != list(SECTIONS):
        yield f"the sections are {found}; they must be {list(SECTIONS)}, in this order"


def breath(page: Page) -> Iterator[str]:
    """``> **In one breath.**`` and at most 60 words, before the first section."""
    opening = prose(page).split("\n## ")[0]
    found = re.search(r"^> \*\*In one breath\.\*\*(.*?)(?:\n\n|\Z)", opening, re.S | re.M)
    if not found:
        yield "no block quote '> **In one breath.** ...' under the title"
        return
    count = len(found.group(1).replace("\n>", " ").split())
    if not BREATH_WORDS // 4 <= count <= BREATH_WORDS:
        yield f"'In one breath.' has {count} words; {BREATH_WORDS} at most, and say something"


def answer(page: Page) -> Iterator[str]:
    """The answer has 500 to 1,200 words, besides its tables."""
    count = len(re.sub(r"^\|.*$", "", section(page, "Answer"), flags=re.M).split())
    if not ANSWER_WORDS[0] <= count <= ANSWER_WORDS[1]:
        yield f"the Answer has {count} words; {ANSWER_WORDS[0]} to {ANSWER_WORDS[1]} are wanted"


def claims(page: Page) -> Iterator[str]:
    """Few claims, all of measured values, each under a heading that begins alike."""
    count = len(page.claims)
    least, most = CLAIMS[_stars(page)]
    if not least <= count <= most and not _excepted(page):
        yield (
            f"{count} claims before the exercises; {least} to {most} are wanted: findings that "
            "answer the title. Two computations of one thing are a check(...)"
        )
    headings = re.findall(r"^### (.+)$", section(page, "Evidence"), re.M)
    for claim in page.claims:
        if claim.constant:
            yield f"the claim {claim.text!r} is of a constant: claim something that was computed"
        if not any(_alike(claim.text, heading) for heading in headings):
            yield f"no '###' heading under Evidence begins like the claim {claim.text!r}"
    for heading in headings:
        if not heading.startswith(WITHOUT_CLAIM) and not any(
            _alike(claim.text, heading) for claim in page.claims
        ):
            yield (
                f"the heading {heading!r} states something that no claim holds to: add the claim, "
                "or call it 'In detail: <technique>'"
            )


def _alike(text: str, heading: str) -> bool:
    """Whether a claim and a heading begin with the same words: the shorter, or 25 characters."""
    a, b = squash(text), squash(heading)
    length = min(25, len(a), len(b))
    return length > 0 and a[:length] == b[:length]


def length(page: Page) -> Iterator[str]:
    """A page can be read in an hour."""
    if _excepted(page):
        return
    code = [cell for cell in page.code if not cell.is_setup]
    lines = sum(bool(line.strip()) for cell in code for line in cell.source.splitlines())
    if lines > CODE_LINES[_stars(page)]:
        yield f"{lines} lines of code; {CODE_LINES[_stars(page)]} at most: fewer experiments"
    if len(code) > CODE_CELLS[_stars(page)]:
        yield f"{len(code)} code cells; {CODE_CELLS[_stars(page)]} at most: fewer experiments"


def _stars(page: Page) -> int:
    level = page.facts.get("level")
    return level if level in CLAIMS else 2


def _excepted(page: Page) -> bool:
    """Whether the front matter gives a reason to exceed the rules on number and length."""
    return len(str(page.facts.get("exception", "")).split()) >= 5


def intervals(page: Page) -> Iterator[str]:
    """No spread is typed in: what is measured is passed on, run by run or case by case."""
    lists = _literal_lists(page)
    for cell in page.code:
        for node in ast.walk(cell.tree) if cell.tree else ():
            if _types_a_spread(node, lists):
                yield (
                    f"code cell {cell.index} types in a spread, {ast.unparse(node)[:60]!r}: pass "
                    "one measured value a run to Measured.of, or one a test case to bootstrap"
                )


MAKERS = ("of", "of_runs_and_cases", "bootstrap")
"""What makes a ``Measured`` from one value a run, or one a test case."""
WRAPPERS = ("array", "asarray", "full", "linspace")
"""NumPy's functions that make an array of literals no measurement."""
FIELDS = ("low", "high", "mean", "values")


def _types_a_spread(node: ast.AST, lists: set[str]) -> bool:
    """Whether an interval is made or changed by hand; ``lists`` are names of lists of literals.

    That is: ``Measured(...)``, ``_made``, ``spread``, a field that is assigned, ``setattr`` and
    ``__new__``, and measurements of literals or of another interval's ends. A number that was
    worked out beforehand, and only looks measured, is not seen.
    """
    if isinstance(node, ast.Attribute):
        stored = node.attr in FIELDS and isinstance(node.ctx, ast.Store)
        return stored or node.attr in ("_made", "spread")
    if isinstance(node, ast.keyword):
        return node.arg == "spread"
    if not isinstance(node, ast.Call):
        return False
    if _called(node) in ("Measured", "setattr", "__new__", "__setattr__"):
        return True
    named = [k.value for k in node.keywords if k.arg in ("values", "cases")]
    given = [*node.args[:1], *named] if _called(node) in MAKERS else []
    return any(_is_typed(value, lists) for value in given)


def _called(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def _is_typed(value: ast.expr, lists: set[str]) -> bool:
    """Whether what a maker is given is literal, a list of literals, or another interval's ends."""
    fields = {part.attr for part in ast.walk(value) if isinstance(part, ast.Attribute)}
    listed = isinstance(value, (ast.List, ast.Tuple))
    if fields & {"low", "high"} or (listed and "mean" in fields):
        return True
    return _is_literal(value) or (isinstance(value, ast.Name) and value.id in lists)


def _is_literal(value: ast.expr) -> bool:
    """A number, or a list of them: nested, repeated, or made into an array."""
    if isinstance(value, (ast.List, ast.Tuple)):
        return bool(value.elts) and all(map(_is_literal, value.elts))
    if isinstance(value, ast.BinOp) and isinstance(value.left, (ast.List, ast.Tuple)):
        return _is_literal(value.left)
    if isinstance(value, ast.Call) and _called(value) in WRAPPERS:
        return bool(value.args) and all(map(_is_literal, value.args))
    return number(value) is not None


def _literal_lists(page: Page) -> set[str]:
    """Names that hold a list of literals wherever the page assigns them."""
    literal, other = set(), set()
    for node in (n for cell in page.code if cell.tree for n in ast.walk(cell.tree)):
        if isinstance(node, ast.Assign) and _is_literal(node.value) and number(node.value) is None:
            literal |= {target.id for target in node.targets if isinstance(target, ast.Name)}
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.For, ast.NamedExpr)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            parts = [part for target in targets for part in ast.walk(target)]
            other |= {part.id for part in parts if isinstance(part, ast.Name)}
    return literal - other


def full_size(page: Page) -> Iterator[str]:
    """The Answer has a table of published results, each row with its source."""
    found = re.search(
        r"^### At full size[ \t]*$(.*?)(?=^### |\Z)", section(page, "Answer"), re.M | re.S
    )
    if not found:
        yield (
            "the Answer has no '### At full size': a table of published results that answer the "
            f"title at real scale, at least {FULL_SIZE_ROWS} rows, each with a linked source"
        )
        return
    rows = [row for row in found.group(1).splitlines() if row.lstrip().startswith("|")]
    sourced = sum("](http" in row for row in rows)
    if sourced < FULL_SIZE_ROWS:
        yield (
            f"'### At full size' has {sourced} rows with a linked source; at least "
            f"{FULL_SIZE_ROWS}, each with where in the source its number stands"
        )
    for row in rows[2:]:
        where = f"the row {row[:50]!r} of '### At full size'"
        source = re.split(r"(?<!\\)\|", row.strip().removesuffix("|"))[-1]
        if "](http" not in source:
            yield f"{where} has no linked source in its last cell"
        elif not re.search(r"[A-Za-z]{3,}", re.sub(r"\[[^\]]*\]\([^)]*\)", "", source)):
            yield (
                f"{where} does not say where in its source the number stands: name the table, the "
                "section or the row behind the link"
            )


def has_drawing(page: Page, notebook: NotebookNode) -> Iterator[str]:
    """The Answer shows its mechanism in a drawing."""
    stored = [cell for cell in notebook.cells if cell.cell_type == "code"]
    places = [cell.index - 1 for cell in page.code if cell.section == "Answer"]
    outputs = [o for k in places if k < len(stored) for o in stored[k].get("outputs", [])]
    for output in outputs:
        data = output.get("data", {})
        if "<svg" in data.get("text/html", "") or any(kind.startswith("image/") for kind in data):
            return
    yield "no drawing in the Answer: show the mechanism, with figures.drawing in a folded cell"


def breaks(page: Page) -> Iterator[str]:
    """Every break is applicable, touches no claim, and names a claim or a check of the page."""
    listed = page.facts.get("breaks")
    if not isinstance(listed, list) or not listed:
        yield "the front matter has no cnn50.breaks: name a line, its change, and the claim to fail"
        return
    yield from _applicable(page, listed, page.claims, "claims", 1)
    yield from _applicable(page, page.facts.get("check_breaks") or [], page.checks, "checks", 0)


def _applicable(
    page: Page, listed: list[Any], made: list[Claim], word: str, cells_later: int
) -> Iterator[str]:
    for entry in listed:
        if not isinstance(entry, dict) or set(entry) != {"find", "replace", "fails"}:
            yield f"a break must have find, replace and fails, and nothing else; got {entry}"
            continue
        try:
            cells = broken(page, entry["find"], entry["replace"])
        except PageError as error:
            yield f"a break cannot be applied: {error}"
            continue
        if any(cell.tree is None for cell in cells):
            yield f"the break of {entry['find']!r} gives code that does not parse"
        if entry["find"] == entry["replace"]:
            yield f"the break of {entry['find']!r} changes nothing"
        named = [c for c in made if squash(c.text).startswith(squash(entry["fails"]))]
        if len(named) != 1:
            yield f"{len(named)} {word} begin {entry['fails']!r}; a break must name exactly one"
        elif named[0].cell.index < _home(page, entry["find"]) + cells_later:
            yield f"the break of {entry['find']!r} comes after what it should make fail"


def unbroken(page: Page) -> Iterator[str]:
    """Every claim has a break that makes it fail: one that cannot fail is no evidence."""
    named = [squash(b.get("fails", "")) for b in page.facts.get("breaks") or []]
    for claim in page.claims:
        if not any(name and squash(claim.text).startswith(name) for name in named):
            yield (
                f"the claim {claim.text!r} has no break: add one to cnn50.breaks in the front "
                "matter, a line whose change makes this claim fail"
            )


def _home(page: Page, find: str) -> int:
    return next(cell.index for cell in page.code if find in cell.source)


def spared(page: Page) -> Iterator[str]:
    """Where a universal break is not tried, the front matter says why."""
    listed = page.facts.get("spared") or {}
    for name, reason in listed.items():
        if name not in UNIVERSAL:
            yield f"cnn50.spared names {name!r}; it may name {' and '.join(UNIVERSAL)}"
        elif len(str(reason).split()) < 5:
            yield f"cnn50.spared.{name} needs a reason: a sentence that a reader understands"
    if listed and not trains(page):
        yield "cnn50.spared is of no use on a page that does not train: remove it"


def front_matter(page: Page) -> Iterator[str]:
    """Level, prerequisites and budget are there and make sense; what is optional has its form."""
    facts = page.facts
    known = {"level", "prerequisites", "budget_s", "techniques", "breaks", "spared"}
    known |= {"check_breaks", "history", "exception", "ends_at_doubled"}
    yield from _optional(page)
    if set(facts) - known:
        yield f"the front matter has unknown keys under cnn50: {sorted(set(facts) - known)}"
    if facts.get("level") not in (1, 2, 3):
        yield f"cnn50.level is {facts.get('level')!r}; it must be 1, 2 or 3"
    smallest, largest = SMALLEST_BUDGET, int(LARGEST_BUDGET)
    if not isinstance(facts.get("budget_s"), int) or not smallest <= facts["budget_s"] <= largest:
        yield (
            f"cnn50.budget_s is {facts.get('budget_s')!r}; it must be a whole number of processor "
            f"seconds, {smallest} to {largest}"
        )
    numbers = {question.number for question in questions(page.root)}
    needed = facts.get("prerequisites")
    if not isinstance(needed, list) or not set(needed) <= numbers - {page.question.number}:
        yield f"cnn50.prerequisites is {needed!r}; it must list numbers of other questions"


def _optional(page: Page) -> Iterator[str]:
    facts = page.facts
    lines = facts.get("history", [])
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        yield "cnn50.history must be a list of one-line strings"
    if "exception" in facts and not _excepted(page):
        yield "cnn50.exception needs a reason: a sentence of at least five words"
    ends = facts.get("ends_at_doubled", {})
    if not isinstance(ends, dict):
        yield "cnn50.ends_at_doubled maps the beginning of a claim to a sentence"
        return
    for beginning, sentence in ends.items():
        named = [c for c in page.claims if squash(c.text).startswith(squash(beginning))]
        if len(named) != 1:
            yield f"cnn50.ends_at_doubled: {len(named)} claims begin {beginning!r}; name one"
        if len(str(sentence).split()) < 5:
            yield f"cnn50.ends_at_doubled: say in a sentence where {beginning!r} ends"


def techniques(page: Page) -> Iterator[str]:
    """Every technique is known, and what is said to run is defined or called in executed code."""
    listed = page.facts.get("techniques")
    if not isinstance(listed, dict) or set(listed) - {"runs", "shows", "explains"}:
        yield "cnn50.techniques must have runs (id: name), shows and explains (lists of ids)"
        return
    runs = listed.get("runs") or {}
    if not isinstance(runs, dict):
        yield "cnn50.techniques.runs must map each id to the name that runs it, as {nms: nms}"
        return
    ids = [*runs, *(listed.get("shows") or []), *(listed.get("explains") or [])]
    known = technique_ids(page)
    for name in ids:
        if name not in known:
            yield f"the technique {name!r} is not in book/techniques.yml: add it, with a source"
        if ids.count(name) > 1:
            yield f"the technique {name!r} is listed twice"
    used = _names_in_code(page)
    for technique, name in runs.items():
        if str(name).split(".")[-1] not in used:
            yield f"{technique!r} is said to run as {name!r}, but no executed cell has that name"


def technique_ids(page: Page) -> set[str]:
    """The ids in ``book/techniques.yml``."""
    path = page.root / "book" / "techniques.yml"
    listed = yaml.safe_load(read_text(path)) if path.exists() else []
    entries = listed.get("techniques", []) if isinstance(listed, dict) else listed or []
    return {entry["id"] for entry in entries}


def _names_in_code(page: Page) -> set[str]:
    found: set[str] = set()
    for cell in page.code:
        for node in ast.walk(cell.tree) if cell.tree else ():
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                found.add(node.name)
            elif isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.Attribute):
                found.add(node.attr)
            elif isinstance(node, ast.keyword) and node.arg:
                found.add(node.arg)
    return found


def cells(page: Page) -> Iterator[str]:
    """Code cells parse, are short, and are not magic."""
    for cell in page.code:
        if cell.is_setup:
            continue
        where = f"code cell {cell.index}"
        lines = [line for line in cell.source.splitlines() if line.strip()]
        if not lines:
            yield f"{where} is empty: remove it"
        elif cell.source.endswith("\n"):
            yield f"{where} ends with an empty line: remove it"
        if len(lines) > CELL_LINES:
            yield f"{where} has {len(lines)} lines; {CELL_LINES} at most: one idea a cell"
        widest = max(map(len, lines), default=0)
        if widest > CELL_WIDTH:
            yield f"{where} has a line of {widest} characters; {CELL_WIDTH} at most"
        if any(re.match(r"\s*(?:%|!)", line) for line in lines):
            yield f"{where} has a magic or a shell command: write it in Python"
        elif cell.tree is None:
            yield f"{where} does not parse"


def folded(page: Page) -> Iterator[str]:
    """Code that only draws is folded away, so that a reader meets the code that measures."""
    for cell in only_draw(page.code):
        lines = sum(bool(line.strip()) for line in cell.source.splitlines())
        if lines > DRAWING_LINES and not {"hide-input", "hide-cell"} & set(cell.tags):
            yield (
                f"code cell {cell.index} only draws, in {lines} lines: fold it with the option "
                "':tags: [hide-input]'"
            )


def setup(page: Page) -> Iterator[str]:
    """The first code cell is the setup cell, the same on every page; cnn50 comes next."""
    code = page.code
    if code and code[0].section:
        yield "the setup cell stands below 'In one breath.', above the Answer, which has a drawing"
    wanted = setup_cell(repository_in(code[0].source)) if code else ""
    if not code or code[0].source.strip() != wanted.strip():
        yield (
            "the first code cell is not the setup cell: copy it from tools/pages/template.md, "
            "or run `make publish-as`, which rewrites it on every page"
        )
    first = [line for line in code[1].source.splitlines() if line.strip()] if len(code) > 1 else []
    if not first or not re.match(r"(?:import|from) cnn50\b", first[0]):
        yield "the second code cell must begin with `import cnn50`: it seeds and quiets the rest"


def repository_in(source: str) -> str:
    """What a setup cell has as REPOSITORY."""
    found = re.search(r'REPOSITORY = "([\w.-]*/?[\w.-]*)"', source)
    return found.group(1) if found else ""


def solutions(page: Page) -> Iterator[str]:
    """The first exercise is Break it; two or more have a solution in a folded, executed cell."""
    text = section(page, "Exercises")
    first = re.search(r"^(?:\d+\.|#+|-|\*\*)?\s*\*\*(.+?)\*\*", text.strip(), re.M)
    if not first or not first.group(1).startswith("Break it"):
        yield "the first exercise must be '**Break it.**'"
    if len(_answers(text)) < 1:
        yield "'Break it.' needs its answer in <details>"
    found = [cell for cell in page.code if cell.section == "Exercises"]
    titled = [cell for cell in found if cell.source.lstrip().startswith(TITLE)]
    if len(titled) < 2:
        yield f"{len(titled)} solutions under Exercises; two cells must start {TITLE!r}"
    for cell in titled:
        if "hide-cell" not in cell.tags or cell.metadata.get("cellView") != "form":
            yield (
                f"code cell {cell.index}, a solution, must be folded: give it the options "
                "':tags: [hide-cell]' and ':cellView: form'"
            )


def check_yourself(page: Page) -> Iterator[str]:
    """Three questions with their answers folded."""
    found = _answers(section(page, "Check yourself"))
    if len(found) != 3:
        yield f"{len(found)} folded answers under Check yourself; there must be three"
    for text in found:
        if len(text.split()) < ANSWER_SHORTEST_DETAILS:
            yield f"an answer under Check yourself has fewer than {ANSWER_SHORTEST_DETAILS} words"


def _answers(text: str) -> list[str]:
    bodies = re.findall(r"<details[^>]*>(.*?)</details>", text, re.S)
    return [re.sub(r"<summary>.*?</summary>", "", body, flags=re.S).strip() for body in bodies]


def mistakes(page: Page) -> Iterator[str]:
    """At least two common mistakes, each put right."""
    text = section(page, "What people get wrong")
    found = re.findall(r"^(?:>\s*|[-\d.]+\s+|#+\s*)?\*\*.+?\*\*|^### .+$", text, re.M)
    if len(found) < LEAST_MISTAKES:
        yield (
            f"{len(found)} common mistakes under What people get wrong; at least "
            f"{LEAST_MISTAKES}, each opened in bold or by a '###' heading"
        )


def gpu(page: Page) -> Iterator[str]:
    """What grows on a GPU is shown by a cell."""
    calls = "\n".join(cell.source for cell in page.code if cell.section == "On a GPU")
    if f'scale_report("{page.name}")' not in calls:
        yield f'under On a GPU, a cell must call cnn50.scale_report("{page.name}")'


def sources(page: Page) -> Iterator[str]:
    """At least three linked sources."""
    count = len(re.findall(r"\]\(https?://", section(page, "Sources")))
    if count < LEAST_SOURCES:
        yield f"{count} linked sources; at least {LEAST_SOURCES} are wanted, primary ones first"


def portable(page: Page) -> Iterator[str]:
    """Plain Markdown only: directives and roles show raw on Colab."""
    text = re.sub(r"^(`{3,})[^{`\n]*\n.*?^\1\s*$", "", prose(page), flags=re.S | re.M)
    text = re.sub(r"(?<![}`])`[^`\n]+`", "", text)
    found = MYST.search(text)
    if found:
        yield f"{found.group(0)[:40]!r} is MyST, which shows raw on Colab: use plain Markdown"
    for alt in re.findall(r"!\[(.*?)\]\(", text):
        if len(alt.split()) < 3:
            yield f"a picture has the alternative text {alt!r}: say what it shows"


def typed_numbers(page: Page, notebook: NotebookNode) -> Iterator[str]:
    """A decimal or a percentage in prose stands in a claim's bound or in a stored output.

    In the Answer, where published results stand, it may also stand in a table's row with a linked
    source.
    """
    known = {bound for claim in (*page.claims, *page.checks) for bound in claim.bounds}
    known |= {100 * bound for bound in known} | {bound / 100 for bound in known}
    known |= _numbers(_printed(notebook))
    for name in ("Answer", "Evidence", "What people get wrong"):
        text = section(page, name)
        if name == "Answer":
            text = re.sub(r"^\|.*\]\(http.*$", "", text, flags=re.M)
        for typed in typed_in(text):
            value = float(typed.rstrip(" %"))
            if not any(abs(value - number) <= 1e-9 * max(1, abs(value)) for number in known):
                yield (
                    f"the number {typed!r} in the prose of {name} is neither a claim's threshold "
                    "nor in a stored output: let a cell print it, state the threshold, or put it "
                    "into the table of '### At full size' with its source"
                )


def typed_in(text: str) -> list[str]:
    """The decimals and percentages in prose, outside of code, mathematics and links."""
    text = re.sub(r"^(`{3,}).*?^\1", "", text, flags=re.S | re.M)
    text = re.sub(r"`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]+\$|\]\([^)]*\)", " ", text, flags=re.S)
    text = text.replace("\N{MINUS SIGN}", "-")
    return re.findall(r"(?<![\w.])\d+\.\d+(?![.\d]*\.\d)(?:\s?%)?|(?<![\w.])\d+\s?%", text)


def _numbers(text: str) -> set[float]:
    found = {float(n) for n in re.findall(r"(?<![\w.])\d+(?:\.\d+)?(?:e[-+]?\d+)?", text)}
    return found


def _printed(notebook: NotebookNode) -> str:
    texts = []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            texts += [output.get("text", ""), data.get("text/plain", ""), data.get("text/html", "")]
    return "\n".join(texts)


def size(page: Page) -> Iterator[str]:
    """A notebook file has at most 600 kB."""
    stored = page.notebook_path.stat().st_size
    if stored > NOTEBOOK_BYTES:
        yield f"the notebook has {stored // 1000} kB; 600 at most: fewer or smaller pictures"


def has_figure(page: Page, notebook: NotebookNode) -> Iterator[str]:
    """A page shows at least one figure."""
    kinds = [
        kind
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        for kind in output.get("data", {})
    ]
    if not any(kind.startswith("image/") for kind in kinds):
        yield "no figure: show what is claimed, with cnn50.figures"


def in_time(page: Page) -> Iterator[str]:
    """The last run kept the page's budget, as far as a machine of unknown speed can tell."""
    run = stored_runs(page.root).get(page.slug)
    if run is None:
        yield f"notebooks/runs.json does not know this page: run `make notebooks PAGES={page.name}`"
        return
    allowed = page.budget * ALLOWANCE
    if run["processor_s"] > allowed:
        yield (
            f"the last run used {run['processor_s']:.0f} processor seconds; {allowed:.0f} are "
            f"allowed, {ALLOWANCE} times the budget of {page.budget:.0f}: make the page smaller, "
            "not the claim weaker"
        )


def paired(page: Page, notebook: NotebookNode) -> Iterator[str]:
    """Both halves say the same."""
    stored = [(cell.kind, cell.source) for cell in cells_of(notebook)]
    if stored != [(cell.kind, cell.source) for cell in page.cells]:
        yield f"the notebook is not made from this text: run `make notebooks PAGES={page.name}`"
    elif notebook.metadata.get("cnn50") != page.facts:
        yield f"the front matter changed: run `make notebooks PAGES={page.name}`"


def current(page: Page) -> Iterator[str]:
    """The stored outputs come from this code, package, data and versions."""
    run = read_json(page.root / "notebooks" / "runs.json").get(page.slug, {})
    if run.get("fingerprint") != page.fingerprint:
        yield (
            "the stored outputs are stale: code, a used part of cnn50, data or pins changed; "
            f"run `make notebooks PAGES={page.name}` and look at the diff"
        )


def seeded(page: Page) -> Iterator[str]:
    """The page's claims held under seeds that it was not tuned on, and with twice the training."""
    row = read_json(page.root / "cnn50" / "measured" / "seeds.json").get(page.name, {})
    advice = f"run `make seeds Q={page.question.number}`"
    if row.get("fingerprint") != page.evidence_fingerprint:
        yield f"the claims were not tried under other seeds since the code changed: {advice}"
    for claim in row.get("claims", []):
        if not claim["held"]:
            yield f"under another seed the claim {claim['text']!r} fails: mend it; {advice}"
        if not claim.get("doubled", {"held": True})["held"] and not where_it_ends(page, claim):
            yield (
                f"with twice the training the claim {claim['text']!r} fails: mend it, or name it "
                "under cnn50.ends_at_doubled with a sentence that says where it ends"
            )
    untried = any("doubled" not in claim for claim in row.get("claims", []))
    if untried:
        yield f"the claims were not tried with twice the training: {advice[:-1]} STEPS=2`"


def broken_on_purpose(page: Page) -> Iterator[str]:
    """Every break made its claim fail."""
    known = known_verdicts(page)
    for item in breaks_of(page):
        if item not in known:
            yield (
                f"the break {item.label!r} was not tried since the code changed: "
                f"run `make breaks Q={page.question.number}`"
            )
        elif not known[item].ok:
            yield f"the break {item.label!r} came to nothing: {known[item].verdict}"


def links(page: Page) -> Iterator[str]:
    """Pages that exist are linked where they are named; others are plain text until they are."""
    text = prose(page)
    for question in questions(page.root):
        landed = Page(question, page.root).text_path.exists()
        targets = re.findall(rf"\]\(([^)\s]*{re.escape(question.slug)}[^)\s]*)\)", text)
        if targets and not landed:
            yield f"links to {question.slug}, which has not landed: plain text until it has"
        for target in targets:
            if re.sub(r"[#?].*", "", target) != f"{question.slug}.ipynb":
                yield f"links to {target}: a link to a page is written {question.slug}.ipynb"
        named = re.search(rf"\b(?:question|Question) {question.number}\b", text)
        if landed and named and not targets and question.number != page.question.number:
            yield f"names question {question.number} without a link to {question.slug}.ipynb"
    known = {f"{question.slug}.ipynb" for question in questions(page.root)}
    for target in re.findall(r"\]\((?![a-z]+:|#)([^)\s#?]+)", text):
        if target not in known and not (page.notebook_path.parent / target).exists():
            yield f"links to {target}, which does not exist"


ON_TEXT: tuple[Callable[[Page], Iterator[str]], ...] = (
    title,
    sections,
    breath,
    answer,
    claims,
    length,
    intervals,
    full_size,
    breaks,
    unbroken,
    spared,
    front_matter,
    techniques,
    cells,
    folded,
    setup,
    solutions,
    check_yourself,
    mistakes,
    gpu,
    sources,
    portable,
    links,
)
ON_FILES: tuple[Callable[[Page], Iterator[str]], ...] = (
    size,
    in_time,
    current,
    seeded,
    broken_on_purpose,
)
ON_NOTEBOOK: tuple[Callable[[Page, NotebookNode], Iterator[str]], ...] = (
    typed_numbers,
    has_drawing,
    has_figure,
    paired,
)


def budgets(found: Iterable[Page]) -> Iterator[str]:
    """All budgets together stay within what the whole book may take."""
    total = sum(page.budget for page in found)
    if total > BUDGET_OF_ALL:
        yield f"the budgets add up to {total:.0f} processor seconds; {BUDGET_OF_ALL:.0f} at most"


def prose(page: Page) -> str:
    """The page's Markdown cells."""
    return "\n\n".join(cell.source for cell in page.cells if cell.kind == "markdown")


def section(page: Page, name: str) -> str:
    """The prose under one ``##`` heading."""
    parts = dict(re.findall(r"^## (.+?)[ \t]*$\n?(.*?)(?=^## |\Z)", prose(page), re.M | re.S))
    return parts.get(name, "")
