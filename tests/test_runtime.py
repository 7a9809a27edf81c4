"""The CPU/GPU switch, the base seed, the smoke cap and the quiet start."""

import os
import subprocess
import sys

import nbformat
import pytest

import cnn50
from cnn50 import figures, runtime
from tools import ROOT
from tools.verify.kernel import Run


@pytest.fixture(autouse=True)
def plain_settings(monkeypatch):
    for name in ("CNN50_SCALE", "CNN50_BASE_SEED", "CNN50_STEPS", "CNN50_TRAINING"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(runtime, "_choices", {})


def test_pick_follows_the_scale(monkeypatch):
    monkeypatch.setenv("CNN50_SCALE", "cpu")
    assert cnn50.pick("images", cpu=100, gpu=60_000) == 100
    monkeypatch.setenv("CNN50_SCALE", "gpu")
    assert cnn50.pick("images", cpu=100, gpu=60_000) == 60_000


def test_an_unknown_scale_is_an_error(monkeypatch):
    monkeypatch.setenv("CNN50_SCALE", "tpu")
    with pytest.raises(ValueError, match="'cpu' or 'gpu'"):
        cnn50.scale()


def test_the_base_seed_moves_every_seed(monkeypatch):
    assert cnn50.seed() == 0
    monkeypatch.setenv("CNN50_BASE_SEED", "1000")
    assert cnn50.seed(2) == 1002
    monkeypatch.setenv("CNN50_BASE_SEED", "many")
    with pytest.raises(ValueError, match="whole number"):
        cnn50.seed()


def test_steps_are_capped_only_in_a_smoke_run(monkeypatch):
    assert cnn50.steps(700) == 700
    monkeypatch.setenv("CNN50_STEPS", "2")
    assert cnn50.steps(700) == 2
    assert cnn50.steps(1) == 1
    assert runtime.is_smoke_run()


def test_the_training_can_be_doubled(monkeypatch):
    monkeypatch.setenv("CNN50_TRAINING", "2")
    assert cnn50.steps(150) == 300
    assert not runtime.is_smoke_run(), "claims must still hold"
    monkeypatch.setenv("CNN50_STEPS", "200")
    assert cnn50.steps(150) == 200, "a cap wins"
    assert cnn50.steps(50) == 100


@pytest.mark.parametrize(("factor", "why"), [("1.5", "whole number"), ("0", "1 or more")])
def test_a_training_factor_that_makes_no_sense(monkeypatch, factor, why):
    monkeypatch.setenv("CNN50_TRAINING", factor)
    with pytest.raises(ValueError, match=f"CNN50_TRAINING is .*{why}"):
        cnn50.steps(10)


def test_scale_report_lists_the_picks(monkeypatch, capsys):
    shown = []
    monkeypatch.setattr(figures.base, "display", lambda data, raw: shown.append(data["text/plain"]))
    monkeypatch.setenv("CNN50_SCALE", "cpu")
    cnn50.pick("training images", cpu=100, gpu=60_000)
    monkeypatch.setattr(runtime, "measured", lambda name: {})
    cnn50.scale_report("q99")
    assert "training images" in shown[0] and "60000" in shown[0]
    assert "No run time on a GPU" in capsys.readouterr().out


def test_scale_report_prints_measured_runs(monkeypatch, capsys):
    monkeypatch.setattr(figures.base, "display", lambda data, raw: None)
    monkeypatch.setenv("CNN50_SCALE", "cpu")
    runs = {"runs": [{"page": "q99", "machine": "one GPU", "seconds": 12}]}
    monkeypatch.setattr(runtime, "measured", lambda name: runs)
    cnn50.pick("images", cpu=1, gpu=2)
    cnn50.scale_report("q99")
    assert "machine one GPU, seconds 12" in capsys.readouterr().out


def test_scale_report_without_picks_is_an_error():
    with pytest.raises(ValueError, match="Nothing was picked"):
        cnn50.scale_report("q99")


def test_a_missing_measurement_file_is_empty():
    assert runtime.measured("no such file") == {}


def test_importing_first_is_quiet_and_repeatable():
    """Alone, and in a kernel of the pages: another process whose TensorFlow is already there."""
    code = (
        "import cnn50, numpy as np, tensorflow as tf;"
        "print(np.random.rand(), float(tf.random.uniform([])))"
    )
    environment = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"}
    alone = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    with Run(notebook, ROOT, 120) as kernel:
        kernel.cell(0)
    (printed,) = notebook.cells[0].outputs
    assert printed.text == alone.stdout
    assert alone.stderr == ""
