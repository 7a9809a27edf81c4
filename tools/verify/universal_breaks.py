"""Two ways to break any page that trains, which no author has to write.

``no_learning``      optimizer steps change no weight; scikit-learn's classifiers learn noise
``shuffled_labels``  whatever is learnt from carries the labels of other examples

A page whose claims all hold under one of them shows nothing about learning. ``make breaks`` calls
these functions in the page's kernel before its first cell.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tools import ROOT

NAMES = ("no-learning", "shuffled-labels")


def prelude(name: str) -> str:
    """The code that breaks a page before it starts. cnn50 comes first: it sets the seeds."""
    function = name.replace("-", "_")
    lines = [
        "import sys",
        f"sys.path.append({str(ROOT)!r})",
        "import cnn50",
        "from tools.verify import universal_breaks",
        f"universal_breaks.{function}()",
    ]
    return "\n".join(lines)


def no_learning() -> None:
    """Turn every optimizer update into a step that only counts; classifiers fit noise."""
    _freeze_keras()
    _shuffle_scikit_learn()


def shuffled_labels() -> None:
    """Give every training example the label of another one."""
    _shuffle_keras()
    _shuffle_scikit_learn()
    _shuffle_data()
    _shuffle_scenes()


def permuted(labels: Any) -> Any:
    """Labels in another order, along the first axis: arrays, or lists, tuples and dicts of them.

    The order depends on the number of examples only, so that labels that belong together still do,
    and every epoch shows the same wrong ones. The page's own random numbers are not touched.
    """
    if isinstance(labels, dict):
        return {key: permuted(value) for key, value in labels.items()}
    if isinstance(labels, (list, tuple)) and any(np.ndim(item) for item in labels):
        return type(labels)([permuted(item) for item in labels])
    if isinstance(labels, (list, tuple)):
        return type(labels)(labels[i] for i in _order(len(labels)))
    if hasattr(labels, "iloc"):  # pandas
        return labels.iloc[_order(len(labels))]
    array = np.asarray(labels)
    return array[_order(len(array))] if array.ndim else labels


def _order(n: int) -> np.ndarray:
    return np.random.default_rng(n).permutation(n)


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def _freeze_keras() -> None:
    if not _installed("keras"):
        return
    from keras.src.optimizers.base_optimizer import BaseOptimizer

    def only_count(self: Any, *arguments: Any, **options: Any) -> None:
        """Stands where the weights would be updated; the caller counts the iteration."""

    BaseOptimizer._backend_apply_gradients = only_count


def _shuffle_keras() -> None:
    if not _installed("keras"):
        return
    import keras

    for name in ("fit", "train_on_batch"):
        setattr(keras.Model, name, _with_shuffled_y(getattr(keras.Model, name)))


def _with_shuffled_y(original: Callable[..., Any]) -> Callable[..., Any]:
    signature = inspect.signature(original)

    @functools.wraps(original)
    def shuffled(self: Any, *arguments: Any, **options: Any) -> Any:
        call = signature.bind(self, *arguments, **options)
        if call.arguments.get("y") is not None:
            call.arguments["y"] = permuted(call.arguments["y"])
        elif "x" in call.arguments:
            call.arguments["x"] = _shuffled_batches(call.arguments["x"])
        return original(*call.args, **call.kwargs)

    return shuffled


def _shuffled_batches(x: Any) -> Any:
    """A tf.data pipeline or a generator of (x, y) batches whose labels change places in a batch."""
    import tensorflow as tf

    def batch(*parts: Any) -> Any:
        inputs, labels, *weights = parts
        return inputs, tf.nest.map_structure(_shuffled_tensor, labels), *weights

    if isinstance(x, tf.data.Dataset):
        pairs = isinstance(x.element_spec, tuple) and len(x.element_spec) > 1
        return x.map(batch) if pairs else x
    if inspect.isgenerator(x):
        return _shuffled_generator(x)
    return x


def _shuffled_generator(batches: Any) -> Iterator[tuple[Any, ...]]:
    for inputs, labels, *weights in batches:
        yield inputs, permuted(labels), *weights


def _shuffled_tensor(labels: Any) -> Any:
    """A batch of labels moved on by one, so that it needs no random number."""
    import tensorflow as tf

    return tf.roll(labels, 1, axis=0)


def _shuffle_scikit_learn() -> None:
    if not _installed("sklearn"):
        return
    from sklearn.utils import all_estimators

    for _, estimator in all_estimators(type_filter="classifier"):
        for name in ("fit", "partial_fit"):
            if inspect.isfunction(vars(estimator).get(name)):
                setattr(estimator, name, _with_shuffled_y(vars(estimator)[name]))


def _shuffle_data() -> None:
    """``cnn50.data.load`` gives splits whose training labels belong to other examples."""
    if not _installed("cnn50.data"):
        return
    from cnn50 import data

    original = data.load

    @functools.wraps(original)
    def load(*arguments: Any, **options: Any) -> Any:
        loaded = original(*arguments, **options)
        if not isinstance(loaded, data.Split):
            return loaded
        x, y = loaded.train
        return dataclasses.replace(loaded, train=(x, permuted(y)))

    data.load = load


def _shuffle_scenes() -> None:
    """Generators in ``cnn50.scenes`` give pictures with the truth of other pictures."""
    if not _installed("cnn50.scenes"):
        return
    from cnn50 import scenes

    for name, function in inspect.getmembers(scenes, inspect.isfunction):
        if function.__module__ == scenes.__name__ and not name.startswith("_"):
            setattr(scenes, name, _with_shuffled_truth(function))


def _with_shuffled_truth(generate: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(generate)
    def shuffled(*arguments: Any, **options: Any) -> Any:
        made: Any = generate(*arguments, **options)
        if not dataclasses.is_dataclass(made) or not hasattr(made, "images"):
            return made
        truth = {
            field.name: permuted(getattr(made, field.name))
            for field in dataclasses.fields(made)
            if field.name != "images"
        }
        return dataclasses.replace(made, **truth)

    return shuffled
