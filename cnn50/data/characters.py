"""Characters: a typeface to draw them with, and a voice that says them."""

from __future__ import annotations

import io
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from cnn50.data.access import path
from cnn50.data.fetch import read_tar
from cnn50.data.split import Array


def captcha_font() -> Path:
    """The path of the TrueType file Droid Sans Mono, for `PIL.ImageFont.truetype`.

    Licence: Apache-2.0. Credit: Steve Matteson, Ascender Corporation, for Google.
    """
    return path("captcha_font")


@dataclass(frozen=True)
class Voice:
    """Recordings of single characters.

    Attributes:
        sounds: for each of "0" to "9" and "A" to "Z", float32 (samples,) in -1 to 1.
        rate: samples a second.
    """

    sounds: dict[str, Array]
    rate: int


def spoken_characters() -> Voice:
    """One recording of each digit and each letter, by a synthetic voice.

    Returns:
        36 sounds of 0.2 to 0.8 s, 8,000 samples a second.

    Licence: BSD-3-Clause. Credit: Hsiaoming Yang.
    """
    sounds = {}
    rate = 0
    for name, content in read_tar(path("spoken_characters")):
        with wave.open(io.BytesIO(content)) as recording:
            rate = recording.getframerate()
            values = np.frombuffer(recording.readframes(recording.getnframes()), np.uint8)
        sounds[name[0]] = (values.astype(np.float32) - 128) / 128
    return Voice(sounds, rate)
