"""The cells of a page, the section that each stands in, and the claims that its code makes."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nbformat import NotebookNode


@dataclass(frozen=True)
class Cell:
    """A cell of a page. ``index`` counts code cells from 1; prose cells have 0."""

    kind: str
    source: str
    tags: tuple[str, ...]
    metadata: dict[str, Any]
    section: str
    index: int

    @cached_property
    def tree(self) -> ast.Module | None:
        """The parsed code without its magic lines, or None where it does not parse."""
        lines = ["" if re.match(r"\s*[%!]", line) else line for line in self.source.splitlines()]
        try:
            return ast.parse("\n".join(lines))
        except SyntaxError:
            return None

    @property
    def is_setup(self) -> bool:
        """Whether this is the cell that installs cnn50."""
        return 'find_spec("cnn50")' in self.source


@dataclass(frozen=True)
class Claim:
    """A call of ``claim`` or ``check`` as it stands in the code.

    text is the constant part of its text; constant is true where its value is a literal, so that
    nothing was measured; bounds are the literal thresholds.
    """

    text: str
    cell: Cell
    constant: bool
    bounds: tuple[float, ...]


def cells_of(notebook: NotebookNode) -> list[Cell]:
    """The cells of any notebook, with their sections."""
    return list(_cells(notebook))


def claims_in(cell: Cell) -> list[Claim]:
    """The calls of ``claim`` in a cell, in order: what the page found."""
    return _calls_in(cell, "claim")


def checks_in(cell: Cell) -> list[Claim]:
    """The calls of ``check`` in a cell, in order: two computations of the same thing."""
    return _calls_in(cell, "check")


def _calls_in(cell: Cell, name: str) -> list[Claim]:
    found = []
    for node in ast.walk(cell.tree) if cell.tree else ():
        if not isinstance(node, ast.Call) or _called(node) != name or not node.args:
            continue
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        value = node.args[1] if len(node.args) > 1 else named.get("value")
        bounds = [number(named[key]) for key in ("at_least", "at_most", "within") if key in named]
        found.append(
            Claim(
                text=_literal(node.args[0]),
                cell=cell,
                constant=value is None or number(value) is not None,
                bounds=tuple(bound for bound in bounds if bound is not None),
            )
        )
    return found


def number(node: ast.expr) -> float | None:
    """The value of a literal number such as ``-0.5`` or ``10 / 3``, else None."""
    if not all(
        isinstance(part, (ast.Constant, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop))
        for part in ast.walk(node)
    ):
        return None
    try:
        value = eval(compile(ast.Expression(node), "<literal>", "eval"), {"__builtins__": {}})
    except Exception:
        return None
    return float(value) if isinstance(value, (int, float)) else None


def _cells(notebook: NotebookNode) -> Iterator[Cell]:
    section, index = "", 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^## (.+?)\s*$", cell.source, re.M)
            section = headings[-1] if headings else section
        index += cell.cell_type == "code"
        yield Cell(
            kind=cell.cell_type,
            source=cell.source,
            tags=tuple(cell.metadata.get("tags", ())),
            metadata=dict(cell.metadata),
            section=section,
            index=index if cell.cell_type == "code" else 0,
        )


def _called(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def _literal(node: ast.AST) -> str:
    """The constant text of a string or of an f-string up to its first blank."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        text = ""
        for part in node.values:
            if not isinstance(part, ast.Constant):
                break
            text += str(part.value)
        return text
    return ""
