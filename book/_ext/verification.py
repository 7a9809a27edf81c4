"""The directive ``{verification}``: how pages are verified, and the latest figures of it.

``{verification} picture`` draws the steps, ``pages`` is a table of run times, claims and breaks,
``doubled`` of what twice the training left of the claims, ``breaks`` of what each break did,
``matrix`` of the settings under which pages ran, ``overhead`` what a kernel costs, and ``licences``
the packages by licence. They are read from files that the tools write: ``notebooks/runs.json`` and
``cnn50/measured/``. ``history`` says how each page came about, from the front matter of the
notebooks.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from data_cards import paragraph, row, with_code
from docutils import nodes
from docutils.parsers.rst import directives
from site_catalog import questions
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

SETTINGS = {
    "newest": "newest TensorFlow, Keras",
    "oldest": "oldest TensorFlow, Keras",
    "colab": "Python 3.13",
    "threads-1": "1 thread",
    "threads-2": "2 threads",
    "threads-4": "4 threads",
    "onednn-off": "no oneDNN",
    "sse41": "SSE4.1",
    "seeds": "3 other seeds",
}


class Verification(SphinxDirective):
    """``{verification} PART``, the part being one of ``PARTS`` or ``history``."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """The part, or a sentence that says that nothing was measured yet."""
        what = directives.choice(self.arguments[0], (*PARTS, "history"))
        root = Path(self.env.srcdir)
        for path in (*(root / "cnn50" / "measured").glob("*.json"), root / "notebooks/runs.json"):
            self.env.note_dependency(str(path))
        if what == "history":
            return history(self)
        return [PARTS[what](root) or paragraph(nodes.Text("Nothing was measured for this yet."))]


def read(path: Path) -> Any:
    """The content of a JSON file; an empty dict where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def measured(root: Path, name: str) -> Any:
    """What a tool keeps under this name in ``cnn50/measured``."""
    return read(root / "cnn50" / "measured" / f"{name}.json")


def picture(root: Path) -> nodes.raw:
    """The drawing beside this file, within the page, so that it takes the page's colours."""
    drawing = (root / "book" / "_ext" / "verification.svg").read_text(encoding="utf-8")
    return nodes.raw("", drawing, format="html")


def pages_table(root: Path) -> nodes.table | None:
    """Page, processor seconds, claims, breaks that made a claim fail, and the smallest margin."""
    runs = read(root / "notebooks" / "runs.json")
    seeds, breaks = measured(root, "seeds"), measured(root, "breaks")
    rows = []
    for slug, run in sorted(runs.items()):
        name = slug.split("-")[0]
        claims = [
            row for row in seeds.get(name, {}).get("claims", []) if row.get("kind") != "check"
        ]
        tried = breaks.get(name, [])
        killed = sum(row["verdict"].startswith("fails") for row in tried)
        rows.append(
            [
                name,
                f"{run['processor_s']:.0f}" if "processor_s" in run else "not known",
                str(len(claims)),
                f"{killed} of {len(tried)}",
                smallest(claims),
            ]
        )
    head = [
        "Page",
        "Processor seconds",
        "Claims",
        "Breaks that fail a claim",
        "Smallest margin, other seeds",
    ]
    return table(head, rows) if rows else None


def doubled_table(root: Path) -> nodes.table | None:
    """Page, claims that hold with twice the training, smallest margin, and where others end."""
    rows = []
    for name, kept in sorted(measured(root, "seeds").items()):
        claims = [row for row in kept["claims"] if row.get("kind") != "check" and "doubled" in row]
        if not claims:
            continue
        results = [row["doubled"] for row in claims]
        holding = [result for result in results if result["held"]]
        rows.append(
            [
                name,
                f"{len(holding)} of {len(claims)}",
                smallest(holding),
                " ".join(sentences(root, name)) or "none ends",
            ]
        )
    head = ["Page", "Claims that hold", "Smallest margin of these", "Where a claim ends"]
    return table(head, rows) if rows else None


def sentences(root: Path, name: str) -> list[str]:
    """Where the claims of a page end with more training, as its front matter says."""
    found = [read(path) for path in (root / "notebooks").glob(f"{name}-*.ipynb")]
    listed = [book["metadata"].get("cnn50", {}).get("ends_at_doubled") or {} for book in found]
    return [str(sentence) for ends in listed for sentence in ends.values()]


def breaks_table(root: Path) -> nodes.table | None:
    """Page, claim, what was measured under a change that must make it fail, and the change."""
    rows = [
        [name, tried["claim"], under(tried), change(tried["break"])]
        for name, all_tried in sorted(measured(root, "breaks").items())
        for tried in all_tried
    ]
    head = ["Page", "Claim", "Measured then", "Change"]
    return table(head, rows, classes=["breaks"]) if rows else None


def change(label: str) -> str | nodes.Node:
    """A changed line as code; a change that has a name, by its name."""
    return nodes.literal(label, label) if " -> " in label else label


def under(tried: dict[str, Any]) -> str:
    """The value at which the claim failed; the reason where no claim had to."""
    value = tried["value"]
    return tried["verdict"] if value is None else f"{value:.4g}"


def matrix_table(root: Path) -> nodes.table | None:
    """Page by setting: the smallest margin of its claims, or what became of it."""
    matrix, seeds = measured(root, "matrix"), measured(root, "seeds")
    rows = []
    for name in sorted(set(matrix) | set(seeds)):
        cells = dict(matrix.get(name, {}))
        if name in seeds:
            cells["seeds"] = {"claims": seeds[name]["claims"], "differences": [], "error": ""}
        rows.append([name, *(outcome(cells.get(setting)) for setting in SETTINGS)])
    return table(["Page", *SETTINGS.values()], rows) if rows else None


def outcome(cell: dict[str, Any] | None) -> str:
    """A cell of the matrix in a word."""
    if cell is None:
        return "not run"
    if cell["error"] or not all(claim["held"] for claim in cell["claims"]):
        return "fails"
    return "differs" if cell["differences"] else smallest(cell["claims"])


def smallest(claims: Iterable[dict[str, Any]]) -> str:
    """The smallest ratio of a measured effect to its threshold, where ratios say anything."""
    margins = [claim["margin"] for claim in claims if claim["margin"] is not None]
    return f"{min(margins):.2f}" if margins else "exact"


def overhead_table(root: Path) -> nodes.table | None:
    """Kernel start, imports and shutdown: ordinary kernels and forked ones, in turn."""
    facts = measured(root, "overhead")
    if not facts:
        return None
    rows = [
        [str(number), f"{pair['cold']:.2f}", f"{pair['warm']:.2f}"]
        for number, pair in enumerate(facts["pairs"], start=1)
    ]
    middle = [statistics.median(pair[name] for pair in facts["pairs"]) for name in ("cold", "warm")]
    rows.append(["median", *(f"{value:.2f}" for value in middle)])
    rows.append(["once per worker", "none", f"{facts['parent']:.2f}, the start of the parent"])
    return table(["Pair", "Ordinary kernel, seconds", "Forked kernel, seconds"], rows)


def licences_table(root: Path) -> nodes.table | None:
    """The locked packages, counted and named, by licence."""
    families = measured(root, "licences")
    rows = [
        [family, str(len(packages)), ", ".join(packages)]
        for family, packages in sorted(families.items(), key=lambda item: -len(item[1]))
    ]
    return table(["Licence", "Packages", "Which"], rows) if rows else None


PARTS = {
    "picture": picture,
    "pages": pages_table,
    "doubled": doubled_table,
    "breaks": breaks_table,
    "matrix": matrix_table,
    "overhead": overhead_table,
    "licences": licences_table,
}


def history(directive: SphinxDirective) -> list[nodes.Node]:
    """A section for each page with a history."""
    sections = []
    for question in questions(directive.env):
        notebook = Path(directive.env.srcdir, f"{question.docname}.ipynb")
        if not notebook.exists():
            continue
        directive.env.note_dependency(str(notebook))
        about = read(notebook)["metadata"].get("cnn50", {})
        name = f"Question {question.number}: {question.short}"
        if about.get("history"):
            sections.append(history_section(question.number, name, about["history"]))
            directive.state.document.note_explicit_target(sections[-1], sections[-1])
    return sections or [paragraph(nodes.Text("No page tells of its history yet."))]


def history_section(number: int, name: str, told: Iterable[str]) -> nodes.section:
    """What happened before a page said what it says now, one line each."""
    section = nodes.section(ids=[f"history-q{number:02}"], names=[f"history-q{number:02}"])
    section += [nodes.title("", name), bullets(told)]
    return section


def bullets(lines: Iterable[str]) -> nodes.bullet_list:
    """A list of lines, in which what stands between backquotes is code."""
    items = [nodes.list_item("", paragraph(*with_code(str(line)))) for line in lines]
    return nodes.bullet_list("", *items)


def table(
    head: list[str], rows: Iterable[Iterable[str | nodes.Node]], classes: Iterable[str] = ()
) -> nodes.table:
    """A table of texts, each plain or marked up."""
    made = nodes.table(classes=list(classes))
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=1) for _ in head]
    top, body = nodes.thead(), nodes.tbody()
    top += row(*map(nodes.Text, head))
    body += [row(*map(marked_up, cells)) for cells in rows]
    group += [top, body]
    made += group
    return made


def marked_up(text: str | nodes.Node) -> nodes.Node:
    """A node for a plain text; a node as it is."""
    return nodes.Text(text) if isinstance(text, str) else text


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("verification", Verification)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
