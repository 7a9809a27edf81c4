"""``make notebooks``: bring the notebooks up to date with the pages.

A page whose code, package parts, data or pinned versions changed is executed from a clean kernel.
A page where only the text changed keeps its outputs. A notebook is replaced whole or not at all.
What a reader changed in a notebook is copied to ``my-notebooks/`` before the notebook is made anew.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import nbformat
from filelock import FileLock
from nbformat import NotebookNode

from tools.options import parser, told
from tools.pages.files import json_text, read_json, read_notebook, write_all
from tools.pages.page import Page, last_seconds, pages
from tools.pages.questions import PageError, find_question
from tools.pages.runs import stored_runs
from tools.pages.yours import SIGNED, put_by, sign
from tools.parallel import in_parallel
from tools.verify.kernel import CellFailed, Run, first_line
from tools.verify.outputs import problems

KEPT_METADATA = ("tags", "cellView", "mystnb")
LANGUAGE = {
    "name": "python",
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "pygments_lexer": "ipython3",
}


@dataclass
class Outcome:
    """What came of executing one page. ``error`` is empty where its notebook was stored."""

    slug: str
    processor: float = 0.0
    wall: float = 0.0
    error: str = ""
    problems: list[str] = field(default_factory=list)
    slowest: str = ""


def fresh_notebook(page: Page) -> NotebookNode:
    """The notebook of a page, not yet executed, in the one form in which notebooks are stored."""
    notebook = nbformat.v4.new_notebook()
    notebook.metadata = nbformat.from_dict(
        {
            "cnn50": page.facts,
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": LANGUAGE,
        }
    )
    for place, cell in enumerate(page.cells):
        make = nbformat.v4.new_code_cell if cell.kind == "code" else nbformat.v4.new_markdown_cell
        kept = {key: cell.metadata[key] for key in KEPT_METADATA if key in cell.metadata}
        notebook.cells.append(make(cell.source, id=f"cell-{place:03d}", metadata=kept))
    return notebook


def with_stored_outputs(page: Page) -> NotebookNode | None:
    """The page's notebook with the outputs of its last run; None where they do not fit."""
    if not page.notebook_path.exists():
        return None
    notebook = fresh_notebook(page)
    new = [cell for cell in notebook.cells if cell.cell_type == "code"]
    try:
        stored = read_notebook(page.notebook_path).cells
    except Exception:  # whatever is wrong with the file, a run makes it anew
        return None
    old = [cell for cell in stored if cell.cell_type == "code"]
    if len(old) != len(new) or any(cell.get("execution_count") is None for cell in old):
        return None
    for cell, last in zip(new, old, strict=True):
        cell.outputs = last.outputs
        cell.execution_count = last.execution_count
    return notebook


def store(page: Page, notebook: NotebookNode, **others: str) -> bool:
    """Write the notebook whole; false where the file already said the same.

    What a reader changed in the old one is put by first. ``others`` are the texts of more files of
    its folder (``runs``: runs.json), all of which are written or none.
    """
    put_by(page)
    sign(notebook)
    texts = {page.notebook_path.with_name(f"{name}.json"): text for name, text in others.items()}
    changed = not says(page.notebook_path, notebook)
    if changed:
        texts[page.notebook_path] = nbformat.writes(notebook).rstrip() + "\n"
    write_all(texts)
    return changed


def says(path: Path, notebook: NotebookNode) -> bool:
    """Whether the file holds this notebook, signed or, as older ones are, not."""
    if not path.exists():
        return False
    bare = nbformat.from_dict({**notebook, "metadata": {**notebook.metadata}})
    del bare.metadata[SIGNED]
    stored = path.read_bytes().decode(errors="replace").rstrip()
    return stored in (nbformat.writes(notebook).rstrip(), nbformat.writes(bare).rstrip())


def execute(root: Path, slug: str, at_once: int = 1) -> Outcome:
    """Run a page from a clean kernel and store its notebook and what it used."""
    page = Page(find_question(slug, root), root)
    fingerprint = page.fingerprint  # before the run: a change during it must not go unseen
    notebook = fresh_notebook(page)
    times: list[tuple[float, int]] = []
    index = 0
    try:
        with Run(notebook, root, page.budget) as run:
            for place, cell in enumerate(notebook.cells):
                if cell.cell_type == "code":
                    index += 1
                    before = run.watch.used()
                    run.cell(place)
                    times.append((run.watch.used() - before, index))
            processor, wall = run.watch.used(), run.watch.wall()
    except CellFailed as error:
        begins = first_line(notebook.cells[place].source)
        return Outcome(slug, error=f"code cell {index} ({begins}): {error}")
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
    runs = page.notebook_path.parent / "runs.json"
    (root / ".cache").mkdir(exist_ok=True)
    with FileLock(root / ".cache" / "runs.lock"):
        known = read_json(runs)
        known[slug] = {
            "processor_s": round(processor, 1),
            "wall_s": round(wall, 1),
            "fingerprint": fingerprint,
            "at_once": at_once,
        }
        try:
            store(page, notebook, runs=json_text(known))
        except (PageError, OSError) as error:
            return Outcome(slug, error=f"the storing of its notebook: {error}")
    longest = sorted(times, reverse=True)[:3]
    slowest = ", ".join(f"cell {index} {spent:.1f} s" for spent, index in longest)
    return Outcome(slug, processor, wall, problems=problems(notebook, slug), slowest=slowest)


def update(root: Path, only: str = "", jobs: int = 2, force: bool = False) -> int:
    """Bring notebooks up to date; 1 where a page needs mending, else 0."""
    runs = stored_runs(root)
    found = pages(root, only)
    if not found:
        print("There are no pages yet: `make new Q=1` starts one.")
    changed = []
    yours = {page.slug for page in found if put_by(page)}  # before the first notebook is written
    for page in found:
        last = runs.get(page.slug, {}).get("fingerprint")
        if force or page.slug in yours or last != page.fingerprint:
            changed.append(page)
            continue
        notebook = with_stored_outputs(page)
        if notebook is None:
            changed.append(page)
        elif store(page, notebook):
            print(f"{page.name}: text updated, outputs kept")
        else:
            print(f"{page.name}: up to date")
    changed.sort(key=lambda page: -last_seconds(page))  # longest first
    jobs = min(jobs, len(changed))
    failed = 0
    if changed:
        names = ", ".join(page.name for page in changed)
        print(f"Executing {names}" + (f", {jobs} at a time" if jobs > 1 else ""), flush=True)
        run = partial(execute, root, at_once=jobs)
        for _, outcome in in_parallel(run, [page.slug for page in changed], jobs):
            failed += not _report(outcome, root)
    if failed:
        print(f"{failed} {'page needs' if failed == 1 else 'pages need'} mending; see above.")
    return 1 if failed else 0


def _report(outcome: Outcome, root: Path) -> bool:
    """Print what came of a page; whether all is well."""
    name = outcome.slug.split("-")[0]
    if outcome.error:
        print(f"{name}: FAILED in {outcome.error}")
        print(f"{name}: the old notebook is untouched; mend book/questions/{outcome.slug}.md")
        return False
    budget = Page(find_question(outcome.slug, root), root).budget
    print(
        f"{name}: executed in {outcome.processor:.1f} of {budget:.0f} processor seconds "
        f"({outcome.slowest}), {outcome.wall:.1f} s by the clock"
    )
    for problem in outcome.problems:
        print(f"{name}: stored, but `make test` will refuse it: {problem}")
    sys.stdout.flush()
    return not outcome.problems


def main(arguments: list[str] | None = None) -> int:
    command = parser(__doc__)
    command.add_argument("--force", action="store_true", help="execute pages that did not change")
    options = command.parse_args(arguments)
    return told(update, options.root, options.pages, options.jobs, options.force)


if __name__ == "__main__":
    sys.exit(main())
