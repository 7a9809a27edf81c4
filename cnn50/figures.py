"""Figures and tables that carry their numbers as text.

Every figure is displayed twice: as a picture (PNG, or JPEG where that is smaller), and as a
sentence with its key numbers. That sentence is the alternative text on the site, and what a run
is compared with, since pictures differ by a pixel from one machine to the next. Colours are Okabe
and Ito's, which people with the common kinds of colour blindness can tell apart
(https://jfly.uni-koeln.de/color/).
"""

from __future__ import annotations

import base64
import html
import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from cycler import cycler
from IPython.display import display
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image

from cnn50.intervals import Measured

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
LINE_STYLES = ("-", "--", "-.", ":")
MARKERS = "osD^vPX*"
WIDTH = 7.0  # inches
DPI = 110
JPEG_ABOVE = 45_000  # bytes: larger pictures are mostly photographs, which JPEG stores smaller
JPEG_QUALITY = 88
LISTED_POINTS = 8  # a curve with more points lists its first, middle and last in the text

STYLE: dict[Any, Any] = {
    "figure.facecolor": "white",
    "figure.dpi": DPI,
    "font.size": 10,
    "axes.prop_cycle": cycler(color=PALETTE),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "axes.grid": False,
    "legend.frameon": False,
    "image.interpolation": "nearest",
}
mpl.rcParams.update(STYLE)


def new(rows: int = 1, columns: int = 1, *, height: float = 3.0, **options: Any) -> tuple[Any, Any]:
    """A figure of the book's width and its axes, as ``matplotlib.pyplot.subplots`` gives them.

    height is in inches; options go to ``Figure.subplots`` (``sharex``, ``width_ratios``, ...).
    """
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


def show(figure: Figure, text: str, *, credit: Any = None) -> None:
    """Display ``figure`` with ``text``, a description of at least eight words and one number.

    credit is a string, or a data card whose ``credit`` line is drawn below the picture.
    Raises ``ValueError`` where the text would not stand in for the picture.
    """
    description = " ".join(text.split())
    if len(description.split()) < 8 or not re.search(r"\d", description):
        raise ValueError(
            f"The text of a figure needs at least 8 words and its key numbers; got {description!r}."
        )
    if credit is not None:
        line = getattr(credit, "credit", credit)
        figure.text(1, -0.005, line, ha="right", va="top", fontsize=7, color="0.35", wrap=True)
        description += f" Credit: {line}"
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=DPI, bbox_inches="tight", pad_inches=0.08, facecolor="white")
    kind, content = _compact(buffer.getvalue())
    display({kind: base64.b64encode(content).decode(), "text/plain": description}, raw=True)


def images(
    pictures: Sequence[Any] | np.ndarray,
    titles: Sequence[str] | None = None,
    *,
    columns: int = 6,
    text: str | None = None,
    credit: Any = None,
    cmap: str = "gray",
    limits: tuple[float, float] | None = None,
) -> None:
    """Pictures in a grid. Each is (height, width), (height, width, 1) or (height, width, 3).

    limits are the values drawn as the first and the last colour of ``cmap``, the same for all
    pictures; without them every picture uses its own range. Colour pictures are 0..1 or uint8.
    """
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(f"{len(pictures)} pictures but {len(titles)} titles.")
    columns = min(columns, len(pictures))
    rows = math.ceil(len(pictures) / columns)
    tallest = max(np.shape(p)[0] / np.shape(p)[1] for p in pictures)
    cell = WIDTH / columns
    figure, axes = new(
        rows, columns, height=rows * (cell * tallest + 0.3 * (titles is not None)), squeeze=False
    )
    for k, axis in enumerate(axes.flat):
        axis.axis("off")
        if k < len(pictures):
            picture(axis, pictures[k], cmap=cmap, limits=limits)
            if titles is not None:
                axis.set_title(titles[k], fontsize=9 if columns < 7 else 7)
    if text is None:
        size = " × ".join(map(str, np.shape(pictures[0])[:2]))
        text = f"A grid of {len(pictures)} pictures, the first {size} pixels"
        text += f": {'; '.join(titles)}." if titles else ", without titles."
    show(figure, text, credit=credit)


def picture(
    axis: Axes, image: Any, *, cmap: str = "gray", limits: tuple[float, float] | None = None
) -> None:
    """Draw one picture on ``axis`` without ticks. Shapes and limits as in ``images``."""
    array = np.asarray(image)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[-1] != 3):
        raise ValueError(f"A picture is (h, w), (h, w, 1) or (h, w, 3); got {np.shape(image)}.")
    if array.ndim == 3 and array.dtype != np.uint8:
        array = np.clip(array, 0, 1)
    low, high = limits if limits else (None, None)
    axis.imshow(array, cmap=cmap, vmin=low, vmax=high)
    axis.set_xticks([])
    axis.set_yticks([])


def curves(
    x: Sequence[float],
    lines: Mapping[str, Sequence[float | Measured]],
    *,
    xlabel: str,
    ylabel: str,
    title: str = "",
    log: str = "",
    text: str | None = None,
) -> None:
    """One curve a name over the same ``x``. ``Measured`` points get a band of their interval.

    log is ``""``, ``"x"``, ``"y"`` or ``"xy"``: the logarithmic axes.
    """
    figure, axis = new(height=3.4)
    described = []
    for k, (name, line) in enumerate(lines.items()):
        if len(line) != len(x):
            raise ValueError(f"Curve {name!r} has {len(line)} points for {len(x)} values of x.")
        means = np.array([float(point) for point in line])
        low = np.array([p.low if isinstance(p, Measured) else float(p) for p in line])
        high = np.array([p.high if isinstance(p, Measured) else float(p) for p in line])
        color = PALETTE[k % len(PALETTE)]
        style = LINE_STYLES[k % len(LINE_STYLES)]
        marker = MARKERS[k % len(MARKERS)] if len(x) <= 20 else ""
        axis.plot(x, means, label=name, color=color, ls=style, marker=marker, markersize=5)
        if any(isinstance(point, Measured) for point in line):
            axis.fill_between(x, low, high, color=color, alpha=0.15, lw=0)
        kept = _kept(len(x))
        described.append(
            f"{name}: " + ", ".join(f"{_text(line[i])} at {_text(x[i])}" for i in kept)
        )
    if "x" in log:
        axis.set_xscale("log")
    if "y" in log:
        axis.set_yscale("log")
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if len(lines) > 1:
        axis.legend()
    show(figure, text or f"Curves of {ylabel} against {xlabel}. " + "; ".join(described) + ".")


def bars(
    values: Mapping[str, float | Measured],
    *,
    xlabel: str,
    title: str = "",
    text: str | None = None,
) -> None:
    """Horizontal bars, one a name, in the order given; ``Measured`` values get an error bar."""
    figure, axis = new(height=0.6 + 0.36 * len(values))
    names = list(values)
    means = [float(v) for v in values.values()]
    arms = [
        (v.mean - v.low, v.high - v.mean) if isinstance(v, Measured) else (0.0, 0.0)
        for v in values.values()
    ]
    errors = np.array(arms).T if np.any(arms) else None  # (2, bars): to the left, to the right
    axis.barh(names, means, xerr=errors, color=PALETTE[0], ecolor="0.3")
    axis.invert_yaxis()
    axis.set(xlabel=xlabel, title=title)
    listed = ", ".join(f"{name} {_text(value)}" for name, value in values.items())
    show(figure, text or f"Bars that compare {xlabel} over {len(values)} cases: {listed}.")


def boxes(
    image: Any,
    found: np.ndarray,
    labels: Sequence[str] | None = None,
    *,
    axis: Axes | None = None,
    text: str | None = None,
    credit: Any = None,
) -> None:
    """A picture with boxes (n, 4) given as (y1, x1, y2, x2) in pixels, and a label for each.

    With ``axis`` the boxes are drawn there and nothing is displayed.
    """
    figure, target = (None, axis) if axis is not None else new(height=4.5)
    picture(target, image)
    for k, (y1, x1, y2, x2) in enumerate(np.asarray(found, dtype=float)):
        color = PALETTE[k % len(PALETTE)]
        for width, edge in ((3.2, "white"), (1.8, color)):
            corner = (x1 - 0.5, y1 - 0.5)
            target.add_patch(Rectangle(corner, x2 - x1, y2 - y1, fill=False, lw=width, ec=edge))
        if labels is not None:
            word = target.text(x1, y1 - 1, labels[k], color=color, fontsize=8, va="bottom")
            word.set_path_effects([patheffects.withStroke(linewidth=2.5, foreground="white")])
    if figure is not None:
        named = f" labelled {', '.join(labels)}" if labels else ""
        show(
            figure, text or f"A picture with {len(found)} boxes drawn on it{named}.", credit=credit
        )


def masks(
    image: Any,
    found: np.ndarray,
    *,
    axis: Axes | None = None,
    text: str | None = None,
    credit: Any = None,
) -> None:
    """A picture under coloured masks (n, height, width), each with its outline.

    With ``axis`` the masks are drawn there and nothing is displayed.
    """
    figure, target = (None, axis) if axis is not None else new(height=4.5)
    picture(target, image)
    for k, mask in enumerate(np.asarray(found) > 0.5):
        color = mpl.colors.to_rgb(PALETTE[k % len(PALETTE)])
        overlay = np.zeros((*mask.shape, 4))
        overlay[mask] = (*color, 0.5)
        target.imshow(overlay)
        if mask.any() and not mask.all():
            target.contour(mask, levels=[0.5], colors=[color], linewidths=1.5)
    if figure is not None:
        shares = ", ".join(f"{100 * np.mean(m > 0.5):.0f}" for m in found)
        default = f"A picture with {len(found)} coloured masks that cover {shares} percent of it."
        show(figure, text or default, credit=credit)


def heatmap(
    values: np.ndarray,
    rows: Sequence[str],
    columns: Sequence[str],
    *,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    decimals: int = 2,
    text: str | None = None,
) -> None:
    """A matrix (len(rows), len(columns)) as colours, with every value written in its cell."""
    matrix = np.asarray(values, dtype=float)
    if matrix.shape != (len(rows), len(columns)):
        raise ValueError(f"{len(rows)} rows and {len(columns)} columns for shape {matrix.shape}.")
    figure, axis = new(height=0.9 + 0.42 * len(rows))
    axis.imshow(matrix, cmap="cividis", aspect="auto")
    axis.set_xticks(range(len(columns)), columns)
    axis.set_yticks(range(len(rows)), rows)
    axis.set(xlabel=xlabel, ylabel=ylabel, title=title)
    middle = (np.nanmin(matrix) + np.nanmax(matrix)) / 2
    for (i, j), value in np.ndenumerate(matrix):
        color = "white" if value < middle else "black"
        axis.text(j, i, f"{value:.{decimals}f}", ha="center", va="center", color=color)
    listed = "; ".join(
        f"{row}: " + ", ".join(f"{c} {v:.{decimals}f}" for c, v in zip(columns, line, strict=True))
        for row, line in zip(rows, matrix, strict=True)
    )
    show(figure, text or f"Heat map of {len(rows)} rows and {len(columns)} columns. {listed}.")


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
    cells = [[_text(row[column]) for column in columns] for row in rows]
    right = [all(_is_number(row[column]) for row in rows) for column in columns]
    plain = {"text/plain": _plain_table(columns, cells, right, text)}
    display(plain | {"text/html": _html_table(columns, cells, right, text)}, raw=True)


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


def _text(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return f"{float(value):.3g}"
    return str(value)


def _kept(n: int) -> list[int]:
    return list(range(n)) if n <= LISTED_POINTS else [0, n // 2, n - 1]


def _compact(png: bytes) -> tuple[str, bytes]:
    """The picture with 256 colours, or as JPEG where that is much smaller: its type and bytes."""
    drawn = Image.open(io.BytesIO(png)).convert("RGB")
    reduced = io.BytesIO()
    drawn.quantize(256).save(reduced, format="PNG", optimize=True)
    if len(reduced.getvalue()) <= JPEG_ABOVE:
        return "image/png", min(png, reduced.getvalue(), key=len)
    photograph = io.BytesIO()
    drawn.save(photograph, format="JPEG", quality=JPEG_QUALITY, optimize=True)
    return "image/jpeg", photograph.getvalue()
