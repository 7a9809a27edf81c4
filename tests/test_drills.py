"""The table of edits that must go red, in ``book/verification.md``, says what the tools say."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from fake_project import FACTS, good_page, make_project, page_of

from cnn50.evidence import ClaimFailed, claim
from cnn50.intervals import Measured
from tools import ROOT
from tools.pages import rules
from tools.pages.files import write_json
from tools.pages.notebooks import fresh_notebook
from tools.pages.page import Page
from tools.verify.compare import difference
from tools.verify.outputs import problems


def edited(folder: Path, old: str = "", new: str = "", breaks: list | None = None) -> Page:
    """The good page of the tests after an edit."""
    text = good_page(FACTS if breaks is None else FACTS | {"breaks": breaks})
    assert old in text
    return page_of(make_project(folder, {"q01-addition": text.replace(old, new)}))


def refused(act: Callable[[], object], error: type[Exception]) -> list[str]:
    with pytest.raises(error) as caught:
        act()
    return [str(caught.value)]


def typed_interval(folder: Path) -> list[str]:
    return refused(lambda: Measured(33, 2), TypeError)


def typed_numbers(folder: Path) -> list[str]:
    code = "total = add(2, 2)\nMeasured.of([3, 3.1])"
    return list(rules.intervals(edited(folder, "total = add(2, 2)", code)))


def missed_bound(folder: Path) -> list[str]:
    unsure = Measured.of([5.0, 30.0, 64.0])
    return refused(lambda: claim("Deeper is better", unsure, at_least=5), ClaimFailed)


def no_threshold(folder: Path) -> list[str]:
    return refused(lambda: claim("Deeper is better", Measured.of([1.0, 2.0])), ValueError)


def no_margin(folder: Path) -> list[str]:
    same = Measured.of([0.1, -0.1])
    return refused(lambda: claim("Both are alike", same, within=0), ValueError)


def no_results(folder: Path) -> list[str]:
    return list(rules.full_size(edited(folder, "### At full size", "### Elsewhere")))


def no_place(folder: Path) -> list[str]:
    return list(
        rules.full_size(edited(folder, "(https://example.org/3), Table 3", "(https://x.y)"))
    )


def typed_in_text(folder: Path) -> list[str]:
    page = edited(folder, "### Two and two make four", "### Two and two make four\n\nIt is 0.93.")
    return list(rules.typed_numbers(page, fresh_notebook(page)))


def no_break(folder: Path) -> list[str]:
    return list(rules.unbroken(edited(folder, breaks=FACTS["breaks"][:1])))


def kept_outputs(folder: Path) -> list[str]:
    page = edited(folder)
    row = {"fingerprint": page.fingerprint}
    write_json(page.root / "notebooks" / "runs.json", {page.slug: row})
    assert list(rules.current(page)) == []
    page.text_path.write_text(page.text.replace("add(2, 2)", "add(2, 1 + 1)"))
    return list(rules.current(page_of(page.root)))


def changed_output(folder: Path) -> list[str]:
    return [difference("Right are 201 pictures", "Right are 200 pictures")]


def not_run(folder: Path) -> list[str]:
    return stored(nbformat.v4.new_code_cell("x = 1"))


def on_stderr(folder: Path) -> list[str]:
    output = nbformat.v4.new_output("stream", name="stderr", text="careful\n")
    return stored(nbformat.v4.new_code_cell("warn()", outputs=[output], execution_count=1))


def no_sentence(folder: Path) -> list[str]:
    data = {"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"}
    output = nbformat.v4.new_output("display_data", data=data)
    return stored(nbformat.v4.new_code_cell("draw()", outputs=[output], execution_count=1))


def hidden(folder: Path) -> list[str]:
    cell = nbformat.v4.new_code_cell("x = 1", execution_count=1)
    cell.metadata["tags"] = ["nbval-skip"]
    return stored(cell)


def stored(cell: nbformat.NotebookNode) -> list[str]:
    return problems(nbformat.v4.new_notebook(cells=[cell]))


DRILLS: dict[str, Callable[[Path], list[str]]] = {
    "An interval is made by hand": typed_interval,
    "An interval is made of typed numbers": typed_numbers,
    "The mean clears the threshold, the bound of its interval does not": missed_bound,
    "A claim has no threshold": no_threshold,
    '"No difference" has no margin': no_margin,
    "The published results are left out": no_results,
    "A published result does not say where in its source it stands": no_place,
    "A number in the text stands in no output": typed_in_text,
    "A claim has no break": no_break,
    "Code is changed and the outputs are kept": kept_outputs,
    "A stored output is changed": changed_output,
    "A cell was not run": not_run,
    "A cell writes to the error stream": on_stderr,
    "A figure has no sentence": no_sentence,
    "A cell is hidden from verification": hidden,
}


def table() -> dict[str, str]:
    """The edits of the table and the words that tell each."""
    text = (ROOT / "book" / "verification.md").read_text(encoding="utf-8")
    part = re.search(r"^### Edits that must go red$(.*?)^##", text, re.M | re.S)
    assert part, "the table is gone"
    rows = re.findall(r"^\| (.+?) \| [^|`]+ \| `(.+)` \|$", part.group(1), re.M)
    assert len(rows) == part.group(1).count("\n|") - 2, "a row has another form"
    return dict(rows)


def test_the_table_lists_the_edits_that_are_tried() -> None:
    assert list(table()) == list(DRILLS)


@pytest.mark.parametrize("edit", DRILLS)
def test_an_edit_that_must_go_red_does_in_these_words(tmp_path: Path, edit: str) -> None:
    words = ".*".join(map(re.escape, table()[edit].split("...")))
    messages = DRILLS[edit](tmp_path)
    assert any(re.search(words, message, re.S) for message in messages), messages
