"""Photographs and textures that ship inside scikit-image and scikit-learn: nothing to fetch."""

from __future__ import annotations

import numpy as np
from PIL import Image

from cnn50.data.access import card, photo_path
from cnn50.data.split import Array, Split

TEXTURES = ("brick", "grass", "gravel")


def photo(name: str) -> Array:
    """A photograph, as it is stored.

    Args:
        name: one of `photo_names()`, for instance "chelsea" (300, 451, 3), "coffee"
            (400, 600, 3), "astronaut" (512, 512, 3), "rocket" (427, 640, 3), "camera" (512, 512).

    Returns:
        uint8 in 0 to 255, (height, width, 3), or (height, width) for grey values.
        `card(name)` gives its photographer and licence.

    Raises:
        UnknownDataError: no such photograph.
        MissingPackageError: the package that ships it is not installed.
    """
    with Image.open(photo_path(name)) as picture:
        return np.asarray(picture).copy()


def textures(size: int = 64, train: int = 200, test: int = 100, seed: int = 0) -> Split:
    """Square crops of three textures (brick, grass, gravel), to be told apart.

    Each texture is one picture of 512 by 512 grey values. Training crops are taken at random
    places of its left part, test crops at random places of its right part, and no pixel lies in
    both: the columns 0 to 287 serve training, the columns 288 to 511 serve testing. Crops of one
    part may overlap one another.

    Args:
        size: side of a crop in pixels, 8 to 192.
        train, test: crops per class.
        seed: which random places.

    Returns:
        train: x uint8 (3 * train, size, size, 1) in 0 to 255, y int64 in 0 to 2, shuffled;
        test: the same with 3 * test crops.

    Raises:
        ValueError: a size or number out of range.

    Licence: CC0. Credit: CC0 Textures (brick, gravel), linolafett (grass), scikit-image.
    """
    if not 8 <= size <= 192:
        raise ValueError(f"size must be 8 to 192 pixels, got {size}")
    if train < 1 or test < 1:
        raise ValueError(f"at least one crop per class and part is needed, got {train} and {test}")
    rng = np.random.default_rng(seed)
    pictures = [photo(name) for name in TEXTURES]
    return Split(
        train=_crops([picture[:, :288] for picture in pictures], size, train, rng),
        test=_crops([picture[:, 288:] for picture in pictures], size, test, rng),
        classes=TEXTURES,
        card=card("textures"),
    )


def _crops(
    parts: list[Array], size: int, number: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """`number` random crops of each part, shuffled, and the index of the part each is from."""
    crops = []
    for part in parts:
        rows = rng.integers(0, part.shape[0] - size, number, endpoint=True)
        columns = rng.integers(0, part.shape[1] - size, number, endpoint=True)
        crops += [
            part[row : row + size, column : column + size]
            for row, column in zip(rows, columns, strict=True)
        ]
    order = rng.permutation(len(crops))
    y = np.repeat(np.arange(len(parts), dtype=np.int64), number)
    return np.stack(crops)[order][..., np.newaxis], y[order]
