"""Every landed page keeps the rules of ``tools/pages/rules.py``."""

from __future__ import annotations

from typing import Any

import pytest

from tools import ROOT
from tools.pages import rules
from tools.pages.files import read_notebook
from tools.pages.page import VERSION, Page, pages
from tools.pages.questions import questions


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each page and rule; ``--pages`` chooses."""
    if "page" not in metafunc.fixturenames:
        return
    found = pages(ROOT, metafunc.config.getoption("--pages"))
    metafunc.parametrize("page", found, ids=lambda page: page.name)


def ids(rule: Any) -> str:
    return rule.__name__


@pytest.mark.parametrize("rule", rules.ON_TEXT, ids=ids)
def test_text(page: Page, rule: Any) -> None:
    tell(page, rule(page))


@pytest.mark.parametrize("rule", rules.ON_FILES, ids=ids)
def test_files(page: Page, rule: Any) -> None:
    assert page.notebook_path.exists(), f"no notebook yet: `make notebooks PAGES={page.name}`"
    tell(page, rule(page))


@pytest.mark.parametrize("rule", rules.ON_NOTEBOOK, ids=ids)
def test_notebook(page: Page, rule: Any) -> None:
    assert page.notebook_path.exists(), f"no notebook yet: `make notebooks PAGES={page.name}`"
    tell(page, rule(page, read_notebook(page.notebook_path)))


def tell(page: Page, messages: Any) -> None:
    """Fail with the messages of a rule, and nothing else in the way."""
    found = list(messages)
    if found:
        pytest.fail(f"book/questions/{page.slug}.md:\n  " + "\n  ".join(found), pytrace=False)


def test_the_budgets_of_all_pages() -> None:
    assert list(rules.budgets(pages(ROOT))) == []


def test_every_file_in_questions_is_one_of_the_fifty() -> None:
    slugs = {question.slug for question in questions(ROOT)}
    files = [*(ROOT / "book" / "questions").glob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]
    assert {path.stem for path in files} <= slugs


def test_there_are_fifty_questions_in_eight_parts() -> None:
    found = questions(ROOT)
    assert [question.number for question in found] == list(range(1, 51))
    assert {question.part for question in found} == set(range(1, 9))
    assert all(question.slug.startswith(f"{question.name}-") for question in found)


def test_the_setup_cell_installs_this_version() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["version"] == VERSION


def test_all_pages_install_from_the_same_place() -> None:
    places = {rules.repository_in(page.code[0].source) for page in pages(ROOT) if page.code}
    assert len(places) <= 1, f"pages install cnn50 from {places}: run `make publish-as` once"
