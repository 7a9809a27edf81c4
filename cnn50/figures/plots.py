"""Curves, bars and heat maps; every one lists its numbers in its text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cnn50.figures.base import LINE_STYLES, MARKERS, PALETTE, new, show
from cnn50.figures.tables import text_of
from cnn50.intervals import Measured

LISTED_POINTS = 8  # a curve with more points lists its first, middle and last in the text


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
            f"{name}: " + ", ".join(f"{text_of(line[i])} at {text_of(x[i])}" for i in kept)
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
    listed = ", ".join(f"{name} {text_of(value)}" for name, value in values.items())
    show(figure, text or f"Bars that compare {xlabel} over {len(values)} cases: {listed}.")


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


def _kept(n: int) -> list[int]:
    return list(range(n)) if n <= LISTED_POINTS else [0, n // 2, n - 1]
