"""Pictures in a grid, and pictures with boxes or masks on them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cnn50.figures.base import PALETTE, WIDTH, new, show


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
