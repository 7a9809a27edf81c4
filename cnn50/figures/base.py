"""What every figure shares: the style, how one is begun, and how it is displayed with its text."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

import matplotlib as mpl
from cycler import cycler
from IPython.display import display
from matplotlib.figure import Figure
from PIL import Image

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
LINE_STYLES = ("-", "--", "-.", ":")
MARKERS = "osD^vPX*"
WIDTH = 7.0  # inches
DPI = 110
JPEG_ABOVE = 45_000  # bytes: larger pictures are mostly photographs, which JPEG stores smaller
JPEG_QUALITY = 88

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


def described(text: str) -> str:
    """The text equivalent of a figure on one line, or ``ValueError`` where it could not be one."""
    description = " ".join(text.split())
    if len(description.split()) < 8 or not re.search(r"\d", description):
        raise ValueError(
            f"The text of a figure needs at least 8 words and its key numbers; got {description!r}."
        )
    return description


def emit(parts: dict[str, str]) -> None:
    """Display one output: its content by MIME type."""
    display(parts, raw=True)


def show(figure: Figure, text: str, *, credit: Any = None) -> None:
    """Display ``figure`` with ``text``, a description of at least eight words and one number.

    credit is a string, or a data card whose ``credit`` line is drawn below the picture.
    Raises ``ValueError`` where the text would not stand in for the picture.
    """
    description = described(text)
    if credit is not None:
        line = getattr(credit, "credit", credit)
        figure.text(1, -0.005, line, ha="right", va="top", fontsize=7, color="0.35", wrap=True)
        description += f" Credit: {line}"
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=DPI, bbox_inches="tight", pad_inches=0.08, facecolor="white")
    kind, content = compact(buffer.getvalue())
    emit({kind: base64.b64encode(content).decode(), "text/plain": description})


def compact(png: bytes) -> tuple[str, bytes]:
    """The picture with 256 colours, or as JPEG where that is much smaller: its type and bytes."""
    drawn = Image.open(io.BytesIO(png)).convert("RGB")
    reduced = io.BytesIO()
    drawn.quantize(256).save(reduced, format="PNG", optimize=True)
    if len(reduced.getvalue()) <= JPEG_ABOVE:
        return "image/png", min(png, reduced.getvalue(), key=len)
    photograph = io.BytesIO()
    drawn.save(photograph, format="JPEG", quality=JPEG_QUALITY, optimize=True)
    return "image/jpeg", photograph.getvalue()
