"""Tables, as HTML and as aligned text."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cnn50.figures.base import emit
from cnn50.intervals import Measured


def table(rows: Sequence[Mapping[str, Any]], *, text: str) -> None:
    """A table with one mapping a row, all with the same keys, and ``text`` as its caption.

    Numbers are shown to three significant digits, ``Measured`` values with their interval. For
    another precision pass the string.
    """
    if not rows:
        raise ValueError("A table needs at least one row.")
    columns = list(rows[0])
    if any(list(row) != columns for row in rows):
        raise ValueError(f"Every row needs the same keys in the same order: {columns}.")
    cells = [[text_of(row[column]) for column in columns] for row in rows]
    right = [all(_is_number(row[column]) for row in rows) for column in columns]
    plain = {"text/plain": _plain_table(columns, cells, right, text)}
    emit(plain | {"text/html": _html_table(columns, cells, right, text)})


def _plain_table(
    columns: list[str], cells: list[list[str]], right: list[bool], caption: str
) -> str:
    lines = [columns, *cells]
    widths = [max(len(line[j]) for line in lines) for j in range(len(columns))]
    padded = [
        "  ".join(
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    ]
    return "\n".join([caption, *padded])


def _html_table(columns: list[str], cells: list[list[str]], right: list[bool], caption: str) -> str:
    def row(tag: str, line: list[str]) -> str:
        parts = (
            f'<{tag} style="text-align: {"right" if flush else "left"}">{html.escape(c)}</{tag}>'
            for c, flush in zip(line, right, strict=True)
        )
        return f"<tr>{''.join(parts)}</tr>"

    body = "\n".join(row("td", line) for line in cells)
    return (
        f'<table class="cnn50-table">\n<caption>{html.escape(caption)}</caption>\n'
        f"<thead>{row('th', columns)}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number, Measured)) and not isinstance(value, bool)


def text_of(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.3g}"
    return str(value)
