"""``import cnn50`` under a reader's own settings: set back, or said in one line; and no circle."""

from __future__ import annotations

import ast
import graphlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from hostile import hostile_caller

from cnn50 import settings
from tools import ROOT

LOOK = """\
import cnn50, keras, matplotlib as mpl
from cnn50 import figures
keras.layers.Conv2D(2, 3)(keras.random.normal((1, 8, 8, 3)))
c = keras.config
print(c.backend(), c.image_data_format(), c.floatx(), c.epsilon(), keras.layers.Dense(1).dtype)
print(mpl.rcParams["text.color"], mpl.rcParams["axes.labelcolor"], mpl.rcParams["font.size"])
"""
AS_ON_THE_PAGES = ["tensorflow channels_last float32 1e-07 float32", "black black 10.0"]


def said(folder: Path, **variables: str) -> list[str]:
    """What a reader with hostile homes sees printed; variables come on top."""
    kept = ("HOME", "KERAS_MAX_EPOCHS", "MATPLOTLIBRC")
    caller = {k: v for k, v in hostile_caller(folder).items() if k in kept}
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("KERAS", "TF_", "MPL"))}
    done = subprocess.run(
        [sys.executable, "-c", LOOK],
        env=plain | caller | variables,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_a_reader_with_settings_of_all_kinds(tmp_path: Path) -> None:
    first, *rest = said(tmp_path)
    assert first.startswith("cnn50: ") and "'jax', which cannot run here" in first
    assert "keras.json" in first
    assert rest == AS_ON_THE_PAGES


def test_another_backend_that_is_installed_is_the_reader_s_choice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("keras.config.backend", lambda: "jax")
    settings._reset_keras()
    assert capsys.readouterr().out.startswith("cnn50: Keras runs on jax. Cells that use Tensor")


NOISE = [
    "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR",
    "E0000 00:00:1795742452.322960    8185 cuda_dnn.cc:8579] Unable to register cuDNN factory: x",
    "E0000 00:00:1795742452.364294    8185 cuda_blas.cc:1407] Unable to register cuBLAS factory: y",
    "I0000 00:00:1795874730.169518 22283 port.cc:153] oneDNN custom operations are on. You may see",
    "I0000 00:00:1795874730.169937 22283 cudart_stub.cc:31] Could not find cuda drivers on your x",
    "W0000 00:00:1795742452.477547    8185 computation_placer.cc:177] computation placer already "
    "registered. Please check linkage and avoid linking the same target more than once.",
]
NEWS = [
    "E0000 00:00:1795742452.3 8185 gpu.cc:1] The GPU is on fire",
    "I0000 00:00:1795742452.3 8185 gpu.cc:2] Could not find the GPU, nor cuda drivers",
    "W0000 00:00:1795742452.3 8185 port.cc:1] something new",
    "Segmentation fault",
    "± odd",
]


@pytest.mark.parametrize("fails", [False, True])
def test_only_lines_known_to_mean_nothing_are_kept_from_stderr(
    capfd: pytest.CaptureFixture[str], fails: bool
) -> None:
    lines = [line for pair in zip(NOISE, [*NEWS, "last"], strict=True) for line in pair]
    try:
        with settings._without_chatter():
            os.write(2, "".join(f"{line}\n" for line in lines).encode())
            if fails:
                raise ImportError("no TensorFlow")
    except ImportError:
        assert fails
    assert capfd.readouterr().err.splitlines() == [*NEWS, "last"]
    os.write(2, b"later\n")
    assert capfd.readouterr().err == "later\n"


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A process in which Keras is not imported yet, with TensorFlow and PyTorch installed."""
    monkeypatch.delitem(sys.modules, "keras", raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("KERAS_BACKEND", "")
    have = ("tensorflow", "torch")
    monkeypatch.setattr(settings.util, "find_spec", lambda name: name if name in have else None)
    return monkeypatch


@pytest.mark.parametrize(
    ("variable", "file", "told"),
    [
        ("", None, ""),
        ("tensorflow", None, ""),
        ("torch", None, ""),
        ("jax", None, "KERAS_BACKEND names 'jax'"),
        ("numpy", None, "KERAS_BACKEND names 'numpy'"),
        ("theano", None, "KERAS_BACKEND names 'theano'"),
        ("", '{"backend": "torch"}', ""),
        ("", '{"backend": "openvino"}', "keras.json names 'openvino'"),
        ("", '{"backend": ["jax"]}', "keras.json names"),
        ("torch", '{"backend": "jax"}', ""),
        ("", "{not json", ""),
        ("", "[]", ""),
        ("", '{"floatx": "float32"}', ""),
    ],
)
def test_which_backend_keras_gets(
    fresh: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    variable: str,
    file: str | None,
    told: str,
) -> None:
    fresh.setenv("KERAS_BACKEND", variable)
    if file is not None:
        (tmp_path / "keras.json").write_text(file)
    settings._choose_backend()
    printed = capsys.readouterr().out
    assert (told in printed and printed.count("\n") == 1) if told else not printed
    assert os.environ["KERAS_BACKEND"] == ("tensorflow" if told else variable)


def test_without_tensorflow_keras_says_itself_what_it_misses(fresh: pytest.MonkeyPatch) -> None:
    fresh.setenv("KERAS_BACKEND", "jax")
    fresh.setattr(settings.util, "find_spec", lambda name: None)
    settings._choose_backend()
    assert os.environ["KERAS_BACKEND"] == "jax"


@pytest.mark.parametrize(
    ("shell", "lines"),
    [
        (None, 0),
        (SimpleNamespace(ast_node_interactivity="last_expr"), 0),
        (SimpleNamespace(ast_node_interactivity="all"), 1),
        (SimpleNamespace(ast_node_interactivity="none"), 1),
    ],
)
def test_a_shell_that_shows_other_things_is_told(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    shell: SimpleNamespace | None,
    lines: int,
) -> None:
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: shell)
    settings._tell_of_ipython()
    assert capsys.readouterr().out.count("\n") == lines


def imports(root: Path, package: str) -> dict[str, set[str]]:
    """Which modules of a package each of them imports as it is itself imported."""
    paths = {
        path.relative_to(root).with_suffix(""): path for path in root.glob(f"{package}/**/*.py")
    }
    names = {".".join(p.parts).removesuffix(".__init__"): path for p, path in paths.items()}
    return {name: set(_imported(path, set(names))) for name, path in names.items()}


def _imported(path: Path, known: set[str]) -> Iterator[str]:
    waiting = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.If, ast.Try)):
            waiting += [*node.body, *node.orelse]
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name in known)
        elif isinstance(node, ast.ImportFrom):
            whole = [f"{node.module}.{name.name}" for name in node.names]
            yield from (n if n in known else node.module for n in whole if node.module in known)


def circle(root: Path, package: str) -> list[str]:
    """Modules that import one another in a circle, or none."""
    try:
        graphlib.TopologicalSorter(imports(root, package)).prepare()
    except graphlib.CycleError as error:
        return error.args[1]
    return []


@pytest.mark.parametrize("package", ["cnn50", "tools"])
def test_no_module_imports_itself_in_a_circle(package: str) -> None:
    found = imports(ROOT, package)
    assert sum(map(len, found.values())) > len(found) / 2, "the imports are not seen"
    assert circle(ROOT, package) == []


def test_a_circle_is_seen(tmp_path: Path) -> None:
    files = {
        "__init__": "",
        "a": "from parts import b\n",
        "b": "from parts.deep.c import x\n",
        "deep/__init__": "",
        "deep/c": "x = 1\ndef f():\n    import parts.a\n",
    }
    for name, text in files.items():
        path = tmp_path / "parts" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert circle(tmp_path, "parts") == [], "an import within a function makes no circle"
    path.write_text("import parts.a\nx = 1\n")
    assert set(circle(tmp_path, "parts")) == {"parts.a", "parts.b", "parts.deep.c"}
