"""Every rule for pages goes red on a page that breaks it, and is quiet on a good one."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import pytest
from fake_project import FACTS, good_page, make_project, page_of

from tools.pages import rules
from tools.pages.files import read_notebook, write_json
from tools.pages.notebooks import fresh_notebook, store
from tools.pages.page import Page, setup_cell
from tools.pages.runs import PROCESSOR_PER_WALL, stored_runs
from tools.verify import breaks
from tools.verify.breaks import Verdict, breaks_of

FIGURE = nbformat.v4.new_output(
    "display_data",
    data={"image/png": "iVBORw0KGgo=", "text/plain": "Bars: two of the four are 0.5 high, two 1."},
)


def project(folder: Path, change: Callable[[str], str] = str, facts: dict | None = None) -> Page:
    text = change(good_page(facts))
    return page_of(make_project(folder, {"q01-addition": text}))


def replaced(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new)

    return change


def with_facts(**changes: object) -> dict:
    return copy.deepcopy(FACTS) | changes


BAD_TEXT = [
    ("title", replaced("how numbers are added?\n", "adding?\n"), "not the question, verbatim"),
    ("sections", replaced("## On a GPU", "## On a big GPU"), "in this order"),
    ("breath", replaced("In one breath.", "In short."), "no block quote"),
    ("breath", replaced("Adding two", "word " * 60 + "Adding two"), "60 at most"),
    ("answer", replaced("word1 about adding ", "word " * 700), "500 to 1200"),
    ("claims", replaced("four\", total,", "four\", 4,"), "of a constant"),
    ("claims", replaced("### Two and two make four", "### Sums"), "begins like the claim"),
    ("claims", replaced("### Two and two make four", "### Sums"), "that no claim holds to"),
    ("cells", replaced("total = add(2, 2)", "total = add(2, 2)\n" + "x = 1\n" * 25), "25 at most"),
    ("cells", replaced("total = add(2, 2)", f"total = add(2, 2)  # {'x' * 90}"), "100 at most"),
    ("cells", replaced('"The total is", total)', '"The total is", total)\n'), "empty line"),
    ("cells", replaced("total = add(2, 2)", "%time total = 4"), "magic"),
    ("cells", replaced("total = add(2, 2)", "total = add(2, 2"), "does not parse"),
    ("setup", replaced("import importlib.util", "import importlib.util as u"), "setup cell"),
    ("setup", replaced("import cnn50\n", "import os\n"), "must begin with `import cnn50`"),
    ("solutions", replaced("**Break it.**", "**First.**"), "first exercise"),
    ("solutions", replaced("# @title Solution", "# Solution"), "0 solutions"),
    ("solutions", replaced(":cellView: form\n", ""), "must be folded"),
    ("check_yourself", replaced("3. What is adding zero?", "## Exercises"), "must be three"),
    ("check_yourself", replaced("It is no step at all, so that the number", "It"), "fewer than 15"),
    ("mistakes", replaced("**Common mistake.**", "Common mistake."), "0 common mistakes"),
    ("gpu", replaced("scale_report", "report"), 'scale_report("q01")'),
    ("sources", replaced("](https://example.org/2)", "]"), "2 linked sources"),
    ("portable", replaced("Adding two", "{ref}`adding` two"), "shows raw on Colab"),
    ("portable", replaced("## Answer\n", "## Answer\n\n```{note}\nx\n```\n"), "shows raw"),
    ("portable", replaced("## Answer\n", "## Answer\n\n:::note\nx\n:::\n"), "shows raw"),
    ("portable", replaced("## Answer\n", "## Answer\n\n![x](https://x.org/x)\n"), "alternative"),
    ("links", replaced("## Answer\n", "## Answer\n\n[x](q02-learning.ipynb)\n"), "has not landed"),
    ("links", replaced("## Answer\n", "## Answer\n\n[x](q07-nothing.ipynb)\n"), "does not exist"),
]  # fmt: skip

BAD_FACTS = [
    ("breaks", {"breaks": []}, "no cnn50.breaks"),
    ("breaks", {"breaks": [{"find": "a + b"}]}, "must have find, replace and fails"),
    ("breaks", {"breaks": [{"find": "add(", "replace": "sub(", "fails": "Two"}]}, "exactly once"),
    (
        "breaks",
        {"breaks": [{"find": "at_least=4", "replace": "at_least=5", "fails": "Two"}]},
        "calls claim",
    ),
    ("breaks", {"breaks": [{"find": "a + b", "replace": "a +", "fails": "Two"}]}, "not parse"),
    ("breaks", {"breaks": [{"find": "a + b", "replace": "a + b", "fails": "Two"}]}, "nothing"),
    ("breaks", {"breaks": [{"find": "a + b", "replace": "a", "fails": "Ten"}]}, "0 claims begin"),
    (
        "breaks",
        {"breaks": [{"find": "add(1, -2)", "replace": "add(1, 2)", "fails": "Two"}]},
        "comes after what it should",
    ),
    (
        "unbroken",
        {"breaks": [{"find": "a + b", "replace": "a - b", "fails": "Two"}]},
        "'The order does not matter: both orders agree' has no break",
    ),
    ("spared", {"spared": {"no-luck": "it cannot be tried on this page"}}, "it may name"),
    ("spared", {"spared": {"no-learning": "because"}}, "needs a reason"),
    ("spared", {"spared": {"no-learning": "nothing is learnt on this page"}}, "does not train"),
    ("front_matter", {"level": 4}, "1, 2 or 3"),
    ("front_matter", {"budget_s": 500}, "20 to "),
    ("front_matter", {"prerequisites": [99]}, "numbers of other questions"),
    ("front_matter", {"budget": 60}, "unknown keys"),
    ("claims", {"exception": ""}, "5 to 9 are wanted"),
    ("front_matter", {"edition": 1}, "unknown keys"),
    ("front_matter", {"history": "one line"}, "list of one-line strings"),
    ("front_matter", {"exception": "long"}, "needs a reason"),
    ("front_matter", {"ends_at_doubled": ["Two"]}, "maps the beginning"),
    ("front_matter", {"ends_at_doubled": {"Ten": "It ends at twice the steps."}}, "0 claims"),
    ("front_matter", {"ends_at_doubled": {"Two": "ends"}}, "say in a sentence"),
    (
        "breaks",
        {"check_breaks": [{"find": "a + b", "replace": "a", "fails": "Two"}]},
        "0 checks begin",
    ),
    ("techniques", {"techniques": ["addition"]}, "must have runs"),
    ("techniques", {"techniques": {"runs": {"sum": "add"}}}, "not in book/techniques.yml"),
    ("techniques", {"techniques": {"runs": {"addition": "plus"}}}, "no executed cell has that"),
    (
        "techniques",
        {"techniques": {"runs": {"addition": "add"}, "shows": ["addition"]}},
        "listed twice",
    ),
]


@pytest.mark.parametrize("rule", rules.ON_TEXT, ids=lambda rule: rule.__name__)
def test_the_good_page_keeps_every_rule(tmp_path: Path, rule: Callable) -> None:
    assert list(rule(project(tmp_path))) == []


@pytest.mark.parametrize(("rule", "change", "why"), BAD_TEXT)
def test_a_bad_text_is_told(tmp_path: Path, rule: str, change: Callable, why: str) -> None:
    messages = list(getattr(rules, rule)(project(tmp_path, change)))
    assert any(why in message for message in messages), messages


@pytest.mark.parametrize(("rule", "facts", "why"), BAD_FACTS)
def test_bad_front_matter_is_told(tmp_path: Path, rule: str, facts: dict, why: str) -> None:
    messages = list(getattr(rules, rule)(project(tmp_path, facts=with_facts(**facts))))
    assert any(why in message for message in messages), messages


def test_a_page_that_names_a_landed_page_must_link_to_it(tmp_path: Path) -> None:
    first = good_page().replace("## Answer\n", "## Answer\n\nSee question 2.\n")
    root = make_project(tmp_path, {"q01-addition": first, "q02-learning": good_page()})
    assert "without a link to q02-learning.ipynb" in next(rules.links(page_of(root)))


def test_a_page_without_published_results_is_told(tmp_path: Path) -> None:
    page = project(tmp_path, replaced("### At full size", "### Elsewhere"))
    assert told(rules.full_size(page), "no '### At full size'")
    unsourced = project(tmp_path / "bare", replaced("[Three](https://example.org/3), Table 3", "x"))
    assert told(rules.full_size(unsourced), "2 rows with a linked source")
    assert told(rules.full_size(unsourced), "no linked source in its last cell")


def test_a_published_result_says_where_in_its_source_it_stands(tmp_path: Path) -> None:
    page = project(tmp_path, replaced("[Three](https://example.org/3), Table 3", SOURCE))
    (message,) = rules.full_size(page)
    assert "'| two adders | 3 |" in message and "where in its source" in message


SOURCE = "[Three, a table](https://example.org/3)"


def test_a_long_page_is_told(tmp_path: Path) -> None:
    cell = "```{code-cell} ipython3\n" + "x = 1\n" * 12 + "```\n\n"
    long = replaced("## What people", cell * 48 + "## What people")
    page = project(tmp_path, long, with_facts(exception=""))
    assert told(rules.length(page), "lines of code") and told(rules.length(page), "code cells")
    assert list(rules.length(project(tmp_path / "excepted", long))) == []


FIGURE_CODE = """\
heights = [add(k, 1) for k in range(4)]
figures.bars(
    dict(zip("abcd", heights, strict=True)),
    xlabel="height",
    text="four bars",
)
"""


def with_cell(code: str, later: str = "", tags: str = "") -> Callable[[str], str]:
    """A page with one more cell, and perhaps a second one behind it."""
    cell = "```{code-cell} ipython3\n" + tags + code.strip() + "\n```\n\n"
    if later:
        cell += "```{code-cell} ipython3\n" + later + "\n```\n\n"
    return replaced("## What people", cell + "## What people")


def test_unfolded_code_that_only_draws_is_told(tmp_path: Path) -> None:
    assert told(rules.folded(project(tmp_path, with_cell(FIGURE_CODE))), "only draws, in 6 lines")
    tags = ":tags: [hide-input]\n\n"
    assert not list(rules.folded(project(tmp_path / "x", with_cell(FIGURE_CODE, tags=tags))))
    anew = "heights = 3\nprint(heights)"
    assert list(rules.folded(project(tmp_path / "y", with_cell(FIGURE_CODE, later=anew))))


@pytest.mark.parametrize(
    ("more", "later"),
    [
        ("", "print(heights)"),
        ("", "def tallest():\n    return max(heights)"),
        ("", "heights = [k + 1 for k in heights]"),
        ("", "for k in heights:\n    print(k)"),
        ("print(total)", ""),
        ("check('Same', total, 4)", ""),
        ("def half(x):\n    return x / 2", ""),
        ("kept.append(total)", ""),
        ("kept['total'] = total", ""),
        ("model.rate = total", ""),
    ],
)
def test_code_that_does_more_than_draw_may_stand_open(
    tmp_path: Path, more: str, later: str
) -> None:
    page = project(tmp_path, with_cell(FIGURE_CODE + more, later=later))
    assert list(rules.folded(page)) == []


def test_a_setup_cell_below_the_answer_is_told(tmp_path: Path) -> None:
    cell = "```{code-cell} ipython3\n" + setup_cell() + "\n```\n\n"

    def lower(text: str) -> str:
        return text.replace("## Answer\n", "").replace(cell, "## Answer\n\n" + cell)

    assert told(rules.setup(project(tmp_path, lower)), "above the Answer")


def test_an_answer_without_a_drawing_is_told(tmp_path: Path) -> None:
    page = project(tmp_path)
    notebook = fresh_notebook(page)
    assert told(rules.has_drawing(page, notebook), "no drawing")
    drawing = next(c for c in notebook.cells if "a drawing" in c.source)
    svg = {"text/html": "<div><svg></svg></div>", "text/plain": "Drawing: one box."}
    drawing.outputs = [nbformat.v4.new_output("display_data", data=svg)]
    assert list(rules.has_drawing(page, notebook)) == []


def test_typed_numbers_of_the_answer_stand_in_rows_with_a_source(tmp_path: Path) -> None:
    page = project(tmp_path)
    assert list(rules.typed_numbers(page, fresh_notebook(page))) == []
    prose = replaced("### At full size\n", "### At full size\n\nAll of them gain 12.5 %.\n")
    page = project(tmp_path / "prose", prose)
    assert told(rules.typed_numbers(page, fresh_notebook(page)), "'12.5 %' in the prose of Answer")
    row = "## What people get wrong\n\n| a | b |\n|---|---|\n| 12.5 % | [x](https://x.org), y |\n"
    page = project(tmp_path / "row", replaced("## What people get wrong\n", row))
    assert told(rules.typed_numbers(page, fresh_notebook(page)), "in the prose of What people")


TYPED = (
    "Measured(3, 0.2)",
    "Measured(found.mean, max(found.spread, 8))",
    "Measured.of([3, 3.1, 2.9])",
    "evidence.Measured.of((3, 3.1))",
    "bootstrap([0.0, 1.0, 1.0])",
    "replace(found, spread=3)",
    "Measured._made(3, None, None, 0, ('', ''), None)",
    "found.spread",
    "Measured.of(values=[3, 3.1])",
    "Measured.of(np.array([3, 3.1]))",
    "Measured.of_runs_and_cases([[1, 2], [3, 4]])",
    "bootstrap(cases=[0, 1, 1])",
    "kept = [3, 3.1]\nMeasured.of(kept)",
    "Measured.of([3.0] * 5)",
    "Measured.of([found.mean - 3, found.mean + 3])",
    "Measured.of([found.low, found.high])",
    "found.low = 12",
    "setattr(found, 'low', 12)",
    "object.__new__(Measured)",
)


@pytest.mark.parametrize("code", TYPED)
def test_a_typed_spread_is_told(tmp_path: Path, code: str) -> None:
    page = project(tmp_path, replaced("total = add(2, 2)", f"total = add(2, 2)\n{code}"))
    assert told(rules.intervals(page), "types in a spread")


@pytest.mark.parametrize(
    "code",
    [
        "Measured.of([add(1, k) for k in range(3)])",
        "bootstrap(cases)",
        "bootstrap(cases=np.array(cases) - 1)",
        "kept = []\nkept.append(add(1, 2))\nMeasured.of(kept)",
        "kept = [3, 3.1]\nkept = [add(1, k) for k in kept]\nMeasured.of(kept)",
        "kept = [3, 3.1]\nprint(kept, found.low, found.mean)",
    ],
)
def test_what_was_measured_is_no_typed_spread(tmp_path: Path, code: str) -> None:
    page = project(tmp_path, replaced("total = add(2, 2)", f"total = add(2, 2)\n{code}"))
    assert list(rules.intervals(page)) == []


def test_a_check_may_be_broken_in_its_own_cell(tmp_path: Path) -> None:
    change = {"find": "add(2, 2)", "replace": "add(2, 3)", "fails": "The total"}
    text = replaced('print("The total is", total)', 'check("The total is four", total, 4)')
    page = project(tmp_path, text, with_facts(check_breaks=[change]))
    assert list(rules.breaks(page)) == []
    assert [item.claim for item in breaks_of(page)][-1] == "The total"


@pytest.fixture
def stored(tmp_path: Path) -> Page:
    """A page whose notebook shows a figure and prints 0.25, as if it had been executed."""
    page = project(tmp_path)
    notebook = fresh_notebook(page)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for index, cell in enumerate(code, start=1):
        cell.execution_count = index
    code[2].outputs = [FIGURE, nbformat.v4.new_output("stream", name="stdout", text="is 0.25\n")]
    store(page, notebook)
    write_runs(page, processor_s=3.0)
    measured = tmp_path / "cnn50" / "measured"
    held = {"text": "Two and two make four", "held": True, "doubled": {"held": True}}
    row = {"fingerprint": page.evidence_fingerprint, "seeds": [1], "claims": [held]}
    write_json(measured / "seeds.json", {"q01": row})
    store_verdict(page, "fails, as it must")
    return page


def store_verdict(page: Page, verdict: str) -> None:
    """As if ``make breaks`` had come to this verdict on all breaks of the page."""
    rows = {item: Verdict(verdict, item.claim, 0.0) for item in breaks_of(page)}
    breaks.store(page.root, page, rows)


def write_runs(page: Page, **changes: object) -> None:
    row = {"processor_s": 3.0, "wall_s": 2.0, "fingerprint": page.fingerprint} | changes
    write_json(page.root / "notebooks" / "runs.json", {page.slug: row})


@pytest.mark.parametrize("rule", rules.ON_FILES, ids=lambda rule: rule.__name__)
def test_good_files_are_quiet(stored: Page, rule: Callable) -> None:
    assert list(rule(stored)) == []


@pytest.mark.parametrize("rule", rules.ON_NOTEBOOK, ids=lambda rule: rule.__name__)
def test_a_good_notebook_is_quiet(stored: Page, rule: Callable) -> None:
    assert list(rule(stored, read_notebook(stored.notebook_path))) == []


def told(messages: Iterator[str], why: str) -> bool:
    return any(why in message for message in messages)


def edited(page: Page, old: str, new: str) -> Page:
    """The page after an edit of its text that nobody followed by `make notebooks`."""
    page.text_path.write_text(replaced(old, new)(page.text))
    return page_of(page.root)


def test_a_stale_notebook_is_told(stored: Page) -> None:
    page = edited(stored, "add(2, 2)", "add(2, 1 + 1)")
    assert told(rules.current(page), "stale")
    assert told(rules.seeded(page), "make seeds Q=1")
    assert told(rules.broken_on_purpose(page), "make breaks Q=1")
    assert told(rules.paired(page, read_notebook(page.notebook_path)), "not made from this")


def test_a_change_of_front_matter_is_told(stored: Page) -> None:
    page = edited(stored, "level: 1", "level: 2")
    assert told(rules.paired(page, read_notebook(page.notebook_path)), "front matter changed")


def test_a_change_of_a_comment_leaves_the_outputs_current(stored: Page) -> None:
    page = edited(stored, "total = add(2, 2)", "total = add(2, 2)  # four")
    assert list(rules.current(page)) == []


def test_a_change_of_a_used_part_of_the_package_is_told(stored: Page) -> None:
    evidence = stored.root / "cnn50" / "evidence.py"
    evidence.write_text(evidence.read_text().replace("Holds", "Stands"))
    assert told(rules.current(page_of(stored.root)), "stale")


def test_a_slow_page_is_told(stored: Page) -> None:
    allowed = rules.ALLOWANCE * stored.budget
    write_runs(stored, processor_s=allowed + 1)
    assert told(rules.in_time(stored), f"{allowed:.0f} are allowed")
    write_runs(stored, processor_s=allowed - 1, wall_s=50 * allowed)
    assert list(rules.in_time(stored)) == [], "the clock does not matter"


def test_a_row_that_only_knows_the_clock_is_converted(stored: Page) -> None:
    row = {"seconds": 10.0, "fingerprint": stored.fingerprint, "at_once": 1}
    write_json(stored.root / "notebooks" / "runs.json", {stored.slug: row})
    run = stored_runs(stored.root)[stored.slug]
    assert run["converted"] and run["wall_s"] == 10.0
    assert run["processor_s"] == pytest.approx(10 * PROCESSOR_PER_WALL)
    assert list(rules.in_time(stored)) == []


def test_a_typed_number_is_told(stored: Page) -> None:
    page = edited(stored, "### Two and two make four", "### Two and two make four\n\nIt is 0.93.")
    assert told(rules.typed_numbers(page, read_notebook(page.notebook_path)), "'0.93'")
    page = edited(page, "It is 0.93.", "It is 0.25 or 25 %, at least 4.0, `0.93` and $0.93$.")
    found = list(rules.typed_numbers(page, read_notebook(page.notebook_path)))
    assert len(found) == 1 and "'25 %'" in found[0]


def test_a_large_notebook_is_told(stored: Page) -> None:
    with stored.notebook_path.open("a") as file:
        file.write(" " * 600_000)
    assert told(rules.size(stored), "600 at most")


def test_a_page_without_a_figure_is_told(stored: Page) -> None:
    assert told(rules.has_figure(stored, fresh_notebook(stored)), "no figure")


def test_a_claim_that_failed_under_a_seed_is_told(stored: Page) -> None:
    claims = [{"text": "Two and two make four", "held": False}]
    row = {"fingerprint": stored.evidence_fingerprint, "seeds": [1], "claims": claims}
    write_json(stored.root / "cnn50" / "measured" / "seeds.json", {"q01": row})
    assert told(rules.seeded(stored), "under another seed")


def test_a_break_that_came_to_nothing_is_told(stored: Page) -> None:
    store_verdict(stored, "SURVIVES: the claim still holds")
    assert told(rules.broken_on_purpose(stored), "came to nothing")


def test_the_budget_of_the_book(tmp_path: Path) -> None:
    page = project(tmp_path, facts=with_facts(budget_s=100))
    most = int(rules.BUDGET_OF_ALL // 100)
    assert list(rules.budgets([page] * most)) == []
    assert told(rules.budgets([page] * (most + 1)), f"{rules.BUDGET_OF_ALL:.0f} at most")
