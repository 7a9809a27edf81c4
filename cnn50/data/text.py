"""Text, labelled: each loader returns a `Split` of strings (arrays of Python str) and classes."""

from __future__ import annotations

import io
import pickle
import zlib
from typing import Any

import numpy as np

from cnn50.data.access import card, path
from cnn50.data.errors import DataError
from cnn50.data.split import Array, Split


def sms_spam() -> Split:
    """English text messages, some of them spam.

    Returns:
        train: x str (4177,), dtype object, y int64 (4177,), 0 ham, 1 spam; test: x (1397,),
        y (1397,). A quarter is for testing, by a fixed random choice; copies of one message are in
        the same part.

    Licence: CC BY 4.0. Credit: Tiago A. Almeida and José María Gómez Hidalgo.
    """
    classes = ("ham", "spam")
    lines = path("sms_spam").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("\t", 1) for line in lines if line]
    x = _texts([message for _, message in pairs])
    y = np.array([classes.index(kind) for kind, _ in pairs], np.int64)
    _, copies = np.unique([message.casefold().strip() for message in x], return_inverse=True)
    place = np.random.default_rng(0).permutation(copies.max() + 1)[copies]
    testing = np.zeros(len(y), bool)
    for kind in range(len(classes)):
        testing |= (y == kind) & (place >= np.quantile(place[y == kind], 0.75, method="lower"))
    return Split((x[~testing], y[~testing]), (x[testing], y[testing]), classes, card("sms_spam"))


def newsgroups() -> Split:
    """Posts of 20 discussion groups, with their headers; the test posts are the later ones.

    Returns:
        train: x str (11314,), dtype object, y int64 (11314,) in 0 to 19; test: x (7532,),
        y (7532,). The classes are the names of the groups.

    Licence: none stated; do not display. Credit: Ken Lang, Jason Rennie.
    """
    packed = zlib.decompress(path("newsgroups").read_bytes())
    content: dict[str, Any] = _Plain(io.BytesIO(packed)).load()
    train, test = (
        (_texts(content[part]["data"]), np.asarray(content[part]["target"], np.int64))
        for part in ("train", "test")
    )
    return Split(train, test, tuple(content["train"]["target_names"]), card("newsgroups"))


class _Plain(pickle.Unpickler):
    """Reads a pickle of scikit-learn without it, and refuses everything but plain arrays."""

    allowed = {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
    }

    def find_class(self, module: str, name: str) -> Any:
        if name == "Bunch" and module.startswith("sklearn."):
            return _Record
        if (module, name) in self.allowed:
            return super().find_class(module, name)
        raise DataError(f"the file asks for {module}.{name}, which it has no need of")


class _Record(dict[str, Any]):
    """Stands in for scikit-learn's Bunch: a dictionary whose pickled state is ignored."""

    def __setstate__(self, state: Any) -> None:
        pass


def _texts(texts: list[str]) -> Array:
    """An array of Python strings, so that arrays of numbers can index it."""
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    return array
