"""The two universal breaks do to Keras, scikit-learn, the data and the scenes what they say."""

from __future__ import annotations

import json

import nbformat
import numpy as np
import pytest

from tools import ROOT
from tools.verify.kernel import Run
from tools.verify.universal_breaks import NAMES, permuted, prelude

PROGRAM = """
import json
import keras
import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression
from cnn50 import data, scenes

rng = np.random.default_rng(0)
x = rng.normal(size=(512, 8)).astype("float32")
y = (x[:, 0] > 0).astype(int)


def network():
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(16, "relu"),
                              keras.layers.Dense(2, "softmax")])
    model.compile(keras.optimizers.Adam(0.02), "sparse_categorical_crossentropy",
                  metrics=["accuracy"])
    return model


def trained(*arguments, **options):
    model = network()
    before = model.get_weights()
    model.fit(*arguments, epochs=8, verbose=0, **options)
    moved = any((a != b).any() for a, b in zip(before, model.get_weights()))
    return {"moved": moved, "accuracy": model.evaluate(x, y, verbose=0)[1],
            "iterations": int(model.optimizer.iterations)}


def by_hand():
    model = network()
    before = model.get_weights()
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(y, model(x)))
    gradients = tape.gradient(loss, model.trainable_variables)
    model.optimizer.apply_gradients(zip(gradients, model.trainable_variables))
    return any((a != b).any() for a, b in zip(before, model.get_weights()))


pipeline = tf.data.Dataset.from_tensor_slices((x, y)).batch(64)
print(json.dumps({
    "arrays": trained(x, y),
    "pipeline": trained(pipeline),
    "by hand": by_hand(),
    "probe": LogisticRegression().fit(x, y).score(x, y),
    "labels": data.load("mnist").train[1][:20].tolist(),
    "held back": data.load("mnist").test[1][:20].tolist(),
    "boxes": scenes.shapes(8, seed=1).boxes[:, 0, 0].tolist(),
    "images": float(scenes.shapes(8, seed=1).images.sum()),
}))
"""


def run(before: str = "import cnn50") -> dict:
    """What the program prints in a kernel of the pages, after the code that breaks them."""
    cells = [nbformat.v4.new_code_cell(source) for source in (before, PROGRAM)]
    with Run(nbformat.v4.new_notebook(cells=cells), ROOT, 120) as kernel:
        for place in range(len(cells)):
            kernel.cell(place)
    (printed,) = cells[1].outputs
    return json.loads(printed.text)


@pytest.fixture(scope="module")
def whole() -> dict:
    return run()


def test_without_a_break_all_of_it_learns(whole: dict) -> None:
    assert whole["arrays"]["accuracy"] > 0.95 and whole["pipeline"]["accuracy"] > 0.95
    assert whole["by hand"] and whole["probe"] > 0.95


def test_no_learning(whole: dict) -> None:
    broken = run(prelude("no-learning"))
    for way in ("arrays", "pipeline"):
        assert not broken[way]["moved"]
        assert broken[way]["iterations"] == whole[way]["iterations"], "schedules still advance"
    assert not broken["by hand"]
    assert broken["probe"] < 0.7
    for kept in ("labels", "held back", "boxes", "images"):
        assert broken[kept] == whole[kept]


def test_shuffled_labels(whole: dict) -> None:
    broken = run(prelude("shuffled-labels"))
    for way in ("arrays", "pipeline"):
        assert broken[way]["moved"]
        assert broken[way]["accuracy"] < 0.8
    assert broken["by hand"] and broken["probe"] < 0.7
    assert broken["labels"] != whole["labels"] and broken["held back"] == whole["held back"]
    assert broken["boxes"] != whole["boxes"]
    assert sorted(broken["boxes"]) == sorted(whole["boxes"])
    assert broken["images"] == whole["images"]


def test_permuted_keeps_what_belongs_together() -> None:
    boxes, classes = np.arange(20).reshape(10, 2), np.arange(10)
    together = permuted({"boxes": boxes, "classes": classes})
    assert (together["boxes"][:, 0] == 2 * together["classes"]).all()
    assert (together["classes"] != classes).any()
    assert sorted(permuted(list("abcdef"))) == list("abcdef")
    first, second = permuted((boxes, classes))
    assert (first[:, 0] == 2 * second).all()


@pytest.mark.parametrize("name", NAMES)
def test_the_page_s_random_numbers_are_not_touched(name: str) -> None:
    np.random.seed(0)
    before = np.random.get_state()[1].copy()
    permuted(np.arange(100))
    assert (np.random.get_state()[1] == before).all()
    compile(prelude(name), name, "exec")
