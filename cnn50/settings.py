"""What a reader's own settings would change on a page: set back here, or said in one line.

The outputs of the book come from kernels that have no settings of anybody
(``tools/verify/surroundings.py``), so that nothing here changes them. In a reader's kernel,
``KERAS_BACKEND``, ``~/.keras/keras.json``, ``matplotlibrc`` and a profile of IPython would.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from importlib import util
from pathlib import Path

from cnn50 import runtime

BACKENDS = {
    "tensorflow": "tensorflow",
    "jax": "jax",
    "torch": "torch",
    "numpy": "jax",
    "openvino": "openvino",
}
"""What Keras can run on, and the package that each needs."""


def prepare() -> None:
    """All that ``import cnn50`` does: set the reader's settings back, then start quietly."""
    _choose_backend()
    with _without_chatter():
        runtime.prepare()
    _reset_keras()
    _reset_matplotlib()
    _tell_of_ipython()


CHATTER = re.compile(
    rb"WARNING: All log messages before absl::InitializeLog|"
    rb"E0000 .*Unable to register cu\w+ factory|W0000 .*computation placer already registered|"
    rb"I0000 .*(oneDNN custom operations are on|Could not find cuda drivers)"
)
"""What TensorFlow 2.19 and 2.21 write on every import, past their setting for how much they say."""


@contextlib.contextmanager
def _without_chatter() -> Iterator[None]:
    """Compiled code's lines on stderr come after the imports, without those of ``CHATTER``."""
    sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # there is no stderr
        yield
        return
    with tempfile.TemporaryFile() as aside:
        os.dup2(aside.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
            aside.seek(0)
            if rest := b"".join(line for line in aside if not CHATTER.match(line)):
                os.write(2, rest)


def _say(line: str) -> None:
    print(f"cnn50: {line}")


def _choose_backend() -> None:
    """Let Keras run on TensorFlow where the backend that the reader named is not installed."""
    named, where = _named_backend()
    if "keras" in sys.modules or (
        named in BACKENDS and util.find_spec(BACKENDS[named]) is not None
    ):
        return
    if util.find_spec("tensorflow") is None:
        return  # nothing to fall back on: Keras says what it misses
    os.environ["KERAS_BACKEND"] = "tensorflow"
    _say(f"{where} names {named!r}, which cannot run here, so Keras runs on TensorFlow.")


def _named_backend() -> tuple[str, str]:
    """The backend that Keras would take, and what names it."""
    if named := os.environ.get("KERAS_BACKEND"):
        return named, "KERAS_BACKEND"
    path = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser() / "keras.json"
    try:
        named = json.loads(path.read_text(encoding="utf-8")).get("backend", "tensorflow")
    except (OSError, ValueError, AttributeError):
        named = "tensorflow"
    return str(named), str(path)


def _reset_keras() -> None:
    """The settings of ``keras.json`` as Keras has them without one."""
    if util.find_spec("keras") is None:
        return
    import keras

    keras.config.set_image_data_format("channels_last")
    keras.config.set_floatx("float32")
    keras.config.set_epsilon(1e-7)
    for name in ("set_max_epochs", "set_max_steps_per_epoch"):  # KERAS_MAX_EPOCHS cuts trainings
        if hasattr(keras.config, name):
            getattr(keras.config, name)(None)
    backend = keras.config.backend()
    if backend != "tensorflow":
        _say(
            f"Keras runs on {backend}. Cells that use TensorFlow itself, such as tf.GradientTape, "
            "do not run with it; KERAS_BACKEND=tensorflow runs every page."
        )


def _reset_matplotlib() -> None:
    """Matplotlib as it comes; ``cnn50.figures`` puts the style of the book on top."""
    import matplotlib

    matplotlib.rcdefaults()


def _tell_of_ipython() -> None:
    """A shell that shows more than the last expression of a cell belongs to its reader."""
    if "IPython" not in sys.modules:
        return
    from IPython.core.getipython import get_ipython

    shown = getattr(get_ipython(), "ast_node_interactivity", "last_expr")
    if shown != "last_expr":
        _say(
            f"your IPython has ast_node_interactivity = {shown!r}, so cells show more, or less, "
            "than on the page."
        )
