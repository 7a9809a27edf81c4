"""Forked kernels print what ordinary ones print, share nothing, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from pathlib import Path

import nbformat
import pytest
from waiting import wait_for

from tools import ROOT
from tools.verify import patience, warm_kernel
from tools.verify.kernel import CellFailed, Run, environment

PROBE = [
    "import cnn50\nimport numpy as np\nimport tensorflow as tf\nimport keras\n"
    "from cnn50 import figures",
    "import os, sys\n"
    "print(sys.path)\nprint(sys.argv[0], sys.flags.hash_randomization, hash('a word'))\n"
    "print(os.listdir(), sorted(k for k in os.environ if k.startswith(('CNN50', 'TF_', 'CUDA'))))\n"
    "print(sys.modules['__main__'].__dict__ is globals(), __name__)",
    "model = keras.Sequential([keras.layers.Dense(3, activation='relu'), keras.layers.Dense(1)])\n"
    "model.compile('adam', 'mse')\n"
    "x = np.random.rand(64, 4)\n"
    "print(model.fit(x, x.sum(axis=1), epochs=2, verbose=0).history['loss'])",
    "figures.curves([1, 2, 3], {'a line': [0.1, 0.2, 0.4]}, xlabel='step', ylabel='value')",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
]

pytestmark = pytest.mark.skipif(
    not warm_kernel.can_be_warm(), reason="kernels cannot be forked here"
)


def run(*sources: str, budget: float = 120, **settings: str) -> list[list]:
    """The outputs of each cell, from a kernel of this project."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    with Run(nbformat.v4.new_notebook(cells=cells), ROOT, budget, **settings) as kernel:
        for place in range(len(cells)):
            kernel.cell(place)
    return [cell.outputs for cell in cells]


def printed(*sources: str, **settings: str) -> str:
    return "".join(output.text for cell in run(*sources, **settings) for output in cell)


def exists(process: int) -> bool:
    """Whether a process is there and not merely waiting to be collected."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def gone(process: int) -> bool:
    """Whether a process ends."""
    return wait_for(lambda: not exists(process))


def test_outputs_are_the_same_either_way(monkeypatch: pytest.MonkeyPatch) -> None:
    warm = run(*PROBE, CNN50_BASE_SEED="7")
    monkeypatch.setenv("CNN50_WARM", "0")
    cold = run(*PROBE, CNN50_BASE_SEED="7")
    assert warm == cold
    assert warm[3] and warm[4], "the probe shows two figures"


def test_kernels_share_nothing() -> None:
    printed("import os, sys, random\nsys.kept = 1\nos.environ['KEPT'] = '1'\nrandom.seed(3)")
    said = printed(
        "import os, sys\n"
        "print(hasattr(sys, 'kept'), 'KEPT' in os.environ, os.environ['CNN50_BASE_SEED'])",
        CNN50_BASE_SEED="5",
    )
    assert said == "False False 5\n"


def test_kernels_do_not_share_random_numbers() -> None:
    draw = "import random, numpy as np\nprint(random.random(), np.random.rand())"
    assert printed(draw) != printed(draw)


def test_a_kernel_is_forked_and_not_started() -> None:
    parent = printed("import os\nprint(os.getppid())")
    assert int(parent) == warm_kernel._parents[0].process.pid


def test_a_kernel_that_dies_is_told_and_the_next_one_runs() -> None:
    with pytest.raises(CellFailed, match="the kernel died") as caught:
        # The kernel passes on what was written to file 2 from a thread of its own: give it time.
        run("import os, time\nos.write(2, b'last words\\n')\ntime.sleep(5)\nos._exit(9)")
    assert "last words" in str(caught.value)
    assert printed("print(1)") == "1\n"


def test_a_cell_that_hangs_is_ended_with_all_that_it_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "SILENT", 3)
    noted = Path(os.environ.get("TMPDIR", "/tmp")) / f"processes-{os.getpid()}"
    source = (
        "import os, pathlib, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '1000'])\n"
        f"pathlib.Path({str(noted)!r}).write_text(f'{{os.getpid()}} {{child.pid}}')\n"
        "time.sleep(1000)"
    )
    try:
        with pytest.raises(CellFailed, match="the cell hangs: in .* processor time"):
            run(source)
        assert all(gone(int(number)) for number in noted.read_text().split())
    finally:
        noted.unlink(missing_ok=True)


def test_a_parent_that_was_killed_is_replaced(light_parent: None) -> None:
    run("1")
    os.kill(warm_kernel._parents[0].process.pid, signal.SIGKILL)
    warm_kernel._parents[0].process.wait()
    assert printed("print(2)") == "2\n"


def test_a_parent_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warm_kernel, "START", "import no_such_module")
    with pytest.raises(warm_kernel.ParentFailed, match="no_such_module"):
        warm_kernel.WarmParent(sys.executable, {})


def test_kernels_end_with_their_parent(light_parent: None) -> None:
    parent = warm_kernel.WarmParent(sys.executable, environment(ROOT))
    try:
        with Path(os.devnull).open("w") as nowhere:
            connection, kernel = parent.order(
                str(Path.cwd()), parent.environment, ["--help-all"], nowhere.fileno()
            )
    finally:
        parent.stop()
    connection.close()
    assert gone(kernel)


@pytest.mark.parametrize(("system", "setting"), [("darwin", "1"), ("win32", "1"), ("linux", "0")])
def test_elsewhere_kernels_start_the_ordinary_way(
    monkeypatch: pytest.MonkeyPatch, system: str, setting: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setenv("CNN50_WARM", setting)
    specification = warm_kernel.manager_options(ROOT)["kernel_spec_manager"].get_kernel_spec("")
    assert "kernel_provisioner" not in specification.metadata


def test_pages_of_another_project_get_ordinary_kernels(tmp_path: Path) -> None:
    assert not warm_kernel.manager_options(tmp_path)["kernel_spec_manager"].warm


def test_a_kernel_that_dies_before_it_answers_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CNN50_WARM", "0")
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o755)
    notebook = nbformat.v4.new_notebook()
    with (
        pytest.raises(RuntimeError, match="died before it answered"),
        Run(notebook, ROOT, 60, python=str(broken)),
    ):
        pass


def test_kernels_talk_through_sockets_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    one, other = warm_kernel.transport(), warm_kernel.transport()
    assert one["transport"] == "ipc"
    assert one["ip"] != other["ip"]


@pytest.mark.parametrize(("system", "folder"), [("win32", "/tmp"), ("darwin", f"/tmp/{'x' * 90}")])
def test_where_socket_files_cannot_be_kernels_take_ports(
    monkeypatch: pytest.MonkeyPatch, system: str, folder: str
) -> None:
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(tempfile, "tempdir", folder)
    assert warm_kernel.transport() == {"transport": "tcp"}


def test_no_socket_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert printed("print(2)") == "2\n"
    assert list(tmp_path.glob("kernel-*")) == []
