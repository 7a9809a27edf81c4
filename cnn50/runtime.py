"""One switch between the verified CPU size and the GPU size, one base seed, one quiet start."""

from __future__ import annotations

import json
import os
import random
import warnings
from dataclasses import dataclass
from importlib import resources, util
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


@dataclass(frozen=True)
class Choice:
    """One quantity that grows on a GPU."""

    name: str
    cpu: Any
    gpu: Any


_choices: dict[str, Choice] = {}


def prepare() -> None:
    """Quiet TensorFlow, seed every generator, and make CPU runs repeatable. Called on import."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", message=".*Protobuf gencode version.*")
    random.seed(seed())
    np.random.seed(seed())
    if util.find_spec("keras") is None:
        return
    import keras

    keras.utils.set_random_seed(seed())
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.get_logger().setLevel("ERROR")
        if not _gpu_is_visible():
            tf.config.experimental.enable_op_determinism()


def seed(k: int = 0) -> int:
    """Seed number ``k`` of this run: ``k`` plus the base seed in CNN50_BASE_SEED (0 if unset).

    Every random choice on a page starts from ``seed()``, so that the whole page can be repeated
    with other seeds without an edit.
    """
    return _integer_setting("CNN50_BASE_SEED", 0) + k


def scale() -> str:
    """``"cpu"`` or ``"gpu"``: CNN50_SCALE where it is set, else whether a GPU is visible."""
    wanted = os.environ.get("CNN50_SCALE")
    if wanted is None:
        return "gpu" if _gpu_is_visible() else "cpu"
    if wanted not in ("cpu", "gpu"):
        raise ValueError(f"CNN50_SCALE is {wanted!r}; it must be 'cpu' or 'gpu'.")
    return wanted


def pick(name: str, *, cpu: T, gpu: T) -> T:
    """Return ``cpu`` or ``gpu``, whichever size this run has, and remember both for the report.

    ``name`` says what is picked, in words that a reader of ``scale_report`` understands.
    """
    _choices[name] = Choice(name, cpu, gpu)
    return gpu if scale() == "gpu" else cpu


def steps(n: int) -> int:
    """How many training steps (or epochs) to take where a page asks for ``n``.

    CNN50_TRAINING=2 doubles every training, to see whether a finding outlasts it; CNN50_STEPS caps
    all of them for a smoke run, and wins.
    """
    factor = _integer_setting("CNN50_TRAINING", 1)
    if factor < 1:
        raise ValueError(f"CNN50_TRAINING is {factor}; it must be 1 or more.")
    return min(n * factor, _integer_setting("CNN50_STEPS", n * factor))


def is_smoke_run() -> bool:
    """True where CNN50_STEPS caps the training, so that no claim can be expected to hold."""
    return "CNN50_STEPS" in os.environ


def choices() -> list[Choice]:
    """What was picked so far, in order."""
    return list(_choices.values())


def measured(name: str) -> dict[str, Any]:
    """The content of ``cnn50/measured/<name>.json``; an empty dict where there is no such file."""
    file = resources.files("cnn50") / "measured" / f"{name}.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}


def _integer_setting(name: str, default: int) -> int:
    text = os.environ.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{name} is {text!r}; it must be a whole number.") from None


def _gpu_is_visible() -> bool:
    if util.find_spec("tensorflow") is None:
        return False
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))
