"""The two halves of a page agree, and jupytext turns one into the other and back."""

from __future__ import annotations

import tomllib

import jupytext
import pytest
from jupytext.config import load_jupytext_config
from nbformat import NotebookNode

from tools import ROOT
from tools.pages.files import read_json, read_notebook
from tools.pages.page import MYST, Page, pages
from tools.pages.runs import stored_runs


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each page; ``--pages`` chooses."""
    if "page" in metafunc.fixturenames:
        found = pages(ROOT, metafunc.config.getoption("--pages"))
        metafunc.parametrize("page", found, ids=lambda page: page.name)


def content(notebook: NotebookNode) -> list[tuple[str, str, dict]]:
    """What must survive: kinds, sources and metadata of the cells."""
    return [(cell.cell_type, cell.source, dict(cell.metadata)) for cell in notebook.cells]


def stored_half(page: Page) -> NotebookNode:
    """The executed half; where there is none, the test fails and says what to do."""
    if not page.notebook_path.exists():
        pytest.fail(f"no notebook yet: run `make notebooks PAGES={page.name}`", pytrace=False)
    return read_notebook(page.notebook_path)


def test_both_halves_say_the_same(page: Page) -> None:
    stored = stored_half(page)
    advice = f"run `make notebooks PAGES={page.name}`: book/questions is what people edit"
    assert content(stored) == content(page.source), advice
    assert stored.metadata["cnn50"] == page.facts, advice


def test_the_round_trip_keeps_the_page(page: Page) -> None:
    config = load_jupytext_config(str(page.text_path))
    stored = stored_half(page)
    text = jupytext.writes(stored, fmt=MYST, config=config)
    again = jupytext.reads(text, fmt=MYST, config=config)
    assert content(again) == content(page.source)
    assert again.metadata["cnn50"] == page.facts, "the front matter got lost on the way"
    assert again.metadata["kernelspec"]["name"] == "python3"
    assert jupytext.writes(again, fmt=MYST, config=config) == text, "not stable"


def test_the_run_is_known(page: Page) -> None:
    run = stored_runs(ROOT).get(page.slug)
    assert run and {"processor_s", "wall_s", "fingerprint", "at_once"} <= set(run), (
        "run `make notebooks`"
    )


def test_no_run_of_a_page_that_is_gone() -> None:
    known = set(read_json(ROOT / "notebooks" / "runs.json"))
    gone = known - {page.slug for page in pages(ROOT)}
    assert not gone, f"notebooks/runs.json names {gone}, which have no page: remove these lines"


def test_cells_have_ids_that_do_not_churn(page: Page) -> None:
    ids = [cell.id for cell in stored_half(page).cells]
    assert ids == [f"cell-{place:03d}" for place in range(len(ids))]


def test_jupytext_pairs_by_folder() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    config = project["tool"]["jupytext"]
    assert config["formats"] == {"notebooks/": "ipynb", "book/questions/": "md:myst"}
    assert config["notebook_metadata_filter"] == "cnn50,kernelspec,jupytext"
