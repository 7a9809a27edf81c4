"""`Split`: the labelled data sets come as one of these."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cnn50.data.registry import Card

Array = NDArray[Any]


@dataclass(frozen=True)
class Split:
    """A labelled data set, split into a part to learn from and a part to measure on.

    Attributes:
        train: inputs and targets to learn from, equally long.
        test: inputs and targets to measure on, equally long; nothing of it is in `train`.
        classes: class names; target `k` means `classes[k]`.
        card: licence, attribution and source.

    Pictures are uint8, 0 to 255, shape (number, height, width, channels), as they are stored:
    scaling is a decision of the page that uses them. Class targets are int64, shape (number,).

    Raises:
        ValueError: inputs and targets of a part differ in length.
    """

    train: tuple[Array, Array]
    test: tuple[Array, Array]
    classes: tuple[str, ...]
    card: Card

    def __post_init__(self) -> None:
        for part, (x, y) in (("train", self.train), ("test", self.test)):
            if len(x) != len(y):
                raise ValueError(f"{part}: {len(x)} inputs but {len(y)} targets")

    def __repr__(self) -> str:
        (x, y), (tx, ty) = self.train, self.test
        return (
            f"Split({self.card.name!r}, train: {x.dtype} {x.shape} and {y.shape}, "
            f"test: {tx.dtype} {tx.shape} and {ty.shape}, {len(self.classes)} classes)"
        )


def class_counts(y: Array, classes: tuple[str, ...]) -> dict[str, int]:
    """How often each class occurs in integer targets `y` of shape (number,)."""
    counts = np.bincount(y, minlength=len(classes))
    return {name: int(count) for name, count in zip(classes, counts, strict=True)}
