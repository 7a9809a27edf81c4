"""Pictures of 14 × 14 pixels, and the patches that a first convolution reads from them.

These functions stand, word for word, on the page of question 40; a test holds the two together.
Edit the page first. Pictures are NumPy arrays of one channel without an axis for it. ``patches``
keeps their type and raises ``ValueError`` where they are not of 14 × 14 pixels. ``shrink`` gives
float32 and sees only whether there are 784 numbers a picture.
"""

# mypy: disallow-untyped-defs=False, check-untyped-defs=False

import numpy as np


def shrink(pictures):
    """Pictures of 28 × 28, 0 to 255, as means of 2 × 2 pixels: [n, 14, 14], 0 to 1."""
    return pictures.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).astype(np.float32) / 255


def patches(pictures):
    """The 36 patches of 4 × 4 pixels, 2 apart, that the first convolution reads: [n, 36, 16]."""
    found = np.lib.stride_tricks.sliding_window_view(pictures, (4, 4), axis=(1, 2))[:, ::2, ::2]
    return np.ascontiguousarray(found.reshape(len(pictures), 36, 16))
