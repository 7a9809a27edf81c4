"""Nothing escapes: what is wrong with the stored outputs of a notebook, whatever it computes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbformat import NotebookNode

from tools.verify.compare import DRAWN

FORBIDDEN_TAGS = re.compile(r"nbval-|remove-|raises-exception|skip-execution")
FORBIDDEN_COMMENTS = re.compile(r"^\s*#\s*(NBVAL_\w+|PYTEST_VALIDATE_\w+)", re.M)
MACHINE = re.compile(
    r"(/tmp|/home|/root|/Users|/work|/private/var)/|[A-Z]:\\Users\\|0x[0-9a-f]{8,}"
)

LONGEST = 40
"""Lines of printed text that a reader still reads."""

ALLOWED: dict[tuple[str, int], str] = {}
"""(slug, code cell): why a cell of that page may carry a tag that hides it from verification."""


def problems(notebook: NotebookNode, slug: str = "") -> list[str]:
    """What keeps the notebook's outputs from being evidence; an empty list where nothing does.

    Every message names the code cell, counted from 1, and says what to do.
    """
    found = []
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for index, cell in enumerate(code, start=1):
        here = f"code cell {index}"
        if cell.get("execution_count") != index:
            found.append(
                f"{here} has execution count {cell.get('execution_count')}, not {index}: the "
                "outputs are not those of one run from a clean kernel; run `make notebooks`"
            )
        if (slug, index) not in ALLOWED:
            found += [f"{here} {problem}" for problem in _hidden(cell)]
        for output in cell.get("outputs", []):
            found += [f"{here} {problem}" for problem in _output_problems(output)]
    return found


def _hidden(cell: NotebookNode) -> Iterator[str]:
    for tag in cell.metadata.get("tags", []):
        if FORBIDDEN_TAGS.match(tag):
            yield f"has the tag {tag!r}, which hides it from verification: take the tag away"
    comment = FORBIDDEN_COMMENTS.search(cell.source)
    if comment:
        yield f"has the comment {comment.group(1)}, which hides it from verification: remove it"


def _output_problems(output: NotebookNode) -> Iterator[str]:
    if output.output_type == "error":
        yield f"stores an error ({output.get('ename')}): mend the cell and run `make notebooks`"
        return
    if output.get("name") == "stderr":
        text = output.get("text", "").strip()[:80]
        yield f"writes to stderr ({text!r}): find out why, and mend that; do not hide it"
        return
    data = output.get("data", {})
    if any("widget" in kind for kind in data):
        yield "shows a widget, which is neither stored nor compared: turn the progress bar off"
    drawn = DRAWN.match(data.get("text/html", ""))
    if drawn or any(kind.startswith("image/") for kind in data):
        plain = data.get("text/plain", "")
        if len(plain.split()) < 8 or plain.startswith("<") or not re.search(r"\d", plain):
            yield (
                "shows a figure without a text equivalent (at least 8 words and its key numbers): "
                "display it through cnn50.figures, with text="
            )
    texts = [str(output.get("text", "")), data.get("text/plain", ""), data.get("text/html", "")]
    lines = max(text.count("\n") for text in texts[:2])
    if lines > LONGEST:
        yield f"prints {lines} lines, {LONGEST} at most: print the few numbers that matter"
    machine = MACHINE.search(re.sub(r"data:image/[^\"']+", "", "\n".join(texts)))
    if machine:
        yield (
            f"prints {machine.group(0)!r}: a path or an address of this machine, which no other "
            "machine repeats; print the name alone"
        )
