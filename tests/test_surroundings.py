"""What the caller's machine is set to does not reach a page, and not the tools either."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from hostile import PROFILE, STARTUP, hostile_caller
from warm_parents import parent_of_its_own

from tools import ROOT
from tools.verify import surroundings, warm_kernel
from tools.verify.kernel import Run
from tools.verify.surroundings import FIXED, PASSED_ON, environment, homes, passed_on

PROBE = [
    "import cnn50\nimport keras\nimport matplotlib\nimport numpy as np\nfrom cnn50 import figures",
    "1\n2",
    "keras.config.backend(), keras.config.image_data_format(), keras.config.floatx()",
    "import os, sys\n"
    "print(sys.path[0] == os.environ['PYTHONPATH'], sys.flags.optimize, cnn50.scale())\n"
    "print(os.environ['TF_CPP_MIN_LOG_LEVEL'], [n for n in os.environ if 'THREADS' in n])\n"
    "print({k: matplotlib.rcParams[k] for k in ('text.color', 'font.size', 'backend')})",
    "print(np.array([1 / 3]), cnn50.seed())",
    "model = keras.Sequential([keras.layers.Conv2D(2, 3), keras.layers.Flatten(),\n"
    "                          keras.layers.Dense(1)])\n"
    "model.compile('adam', 'mse')\n"
    "x = np.random.rand(16, 8, 8, 3)\n"
    "print(model.fit(x, x.sum(axis=(1, 2, 3)), epochs=2, verbose=0).history['loss'])",
    "figures.curves([1, 2, 3], {'a line': [0.1, 0.2, 0.4]}, xlabel='step', ylabel='value')",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
]


def outputs(warm: bool, *sources: str, **settings: str) -> list[list]:
    """What each cell gives, in a kernel of this project."""
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    with Run(nbformat.v4.new_notebook(cells=cells), ROOT, 300, warm=warm, **settings) as kernel:
        for place in range(len(cells)):
            kernel.cell(place)
    return [cell.outputs for cell in cells]


@pytest.fixture
def hostile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The caller's environment, turned hostile."""
    variables = hostile_caller(tmp_path)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    return variables


def test_outputs_are_the_same_whoever_calls(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = outputs(True, *PROBE)
    assert "'tensorflow', 'channels_last', 'float32'" in str(plain[2])
    assert plain[6] and plain[7] and len(plain[1]) == 1
    for name, value in hostile_caller(tmp_path).items():
        monkeypatch.setenv(name, value)
    assert outputs(False, *PROBE) == plain
    with parent_of_its_own():
        assert outputs(True, *PROBE) == plain


def test_a_home_that_cannot_be_written_leaves_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/dev/null/nobody")
    for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "MPLCONFIGDIR", "KERAS_HOME", "IPYTHONDIR"):
        monkeypatch.delenv(name, raising=False)
    shown = outputs(False, PROBE[0], PROBE[6])
    assert shown[0] == [] and [output.output_type for output in shown[1]] == ["display_data"]


@pytest.mark.parametrize("started", ["forked", "ordinary", "by ipykernel itself"])
def test_an_ipython_set_up_for_all_users_stays_outside(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, light_parent: None, started: str
) -> None:
    shared = tmp_path / "etc" / "ipython"  # stands in for /etc/ipython and the environment's own
    (shared / "startup").mkdir(parents=True)
    (shared / "startup" / "00-style.py").write_text(STARTUP)
    (shared / "ipython_config.py").write_text(PROFILE)
    (tmp_path / "sitecustomize.py").write_text(
        "from IPython.core import application\n"
        f"application.SYSTEM_CONFIG_DIRS[:] = application.ENV_CONFIG_DIRS[:] = [{str(shared)!r}]\n"
    )
    if started == "by ipykernel itself":
        plain = tmp_path / "plain.py"
        plain.write_text("from ipykernel.kernelapp import IPKernelApp as A\nA.launch_instance()\n")
        monkeypatch.setattr(warm_kernel, "STARTED_BY", str(plain))
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    probe = "import matplotlib, numpy as np\nprint(np.array([1 / 3]))\n"
    probe += "print(matplotlib.rcParams['text.color'], 'plt' in globals())"
    shown = outputs(started == "forked", "1\n2", probe, PYTHONPATH=path)
    expected = [1, "[0.33333333]\nblack False\n"]
    if started == "by ipykernel itself":
        expected = [2, "[0.3]\nwhite True\n"]
    assert [len(shown[0]), shown[1][-1].text] == expected


def test_a_variable_is_passed_on_only_where_it_is_listed(hostile: dict[str, str]) -> None:
    made = environment(ROOT)
    own = {*FIXED, *homes(), "MPLCONFIGDIR", "PYTHONPATH"}
    families = tuple(name[:-1] for name in PASSED_ON if name.endswith("*"))
    assert all(n in own or n in PASSED_ON or n.startswith(families) for n in made)
    taken_over = {name for name, value in hostile.items() if made.get(name) == value}
    assert taken_over == {"HOME", "XDG_CONFIG_HOME"}


def test_what_is_passed_on_has_a_reason_and_is_not_set_as_well() -> None:
    assert all(reason.strip() for reason in PASSED_ON.values())
    assert not set(PASSED_ON) & set(FIXED)
    assert set(surroundings.PLACES) <= set(PASSED_ON)


@pytest.mark.parametrize(
    ("given", "passed"),
    [
        ({"PIP_INDEX_URL": "https://index"}, {"PIP_INDEX_URL": "https://index"}),
        ({"PIPELINE": "x", "CNN50_STEPS": "1", "HTTP": "x"}, {}),
        ({"LANG": ""}, {}),
        ({"CNN50_DATA": "_build/d"}, {"CNN50_DATA": str(Path.cwd() / "_build" / "d")}),
        ({"TMPDIR": "scratch/.."}, {"TMPDIR": str(Path.cwd())}),
        ({"CNN50_DATA": "/data"}, {"CNN50_DATA": "/data"}),
        ({"SSL_CERT_FILE": "ca.pem"}, {"SSL_CERT_FILE": str(Path.cwd() / "ca.pem")}),
        ({"CNN50_DATA": "~/d"}, {"CNN50_DATA": str(Path.home() / "d")}),
    ],
)
def test_what_is_passed_on(given: dict[str, str], passed: dict[str, str]) -> None:
    assert passed_on(given) == passed


def test_homes_are_empty_and_removed(tmp_path: Path) -> None:
    source = (
        "from pathlib import Path; from tools.verify.surroundings import homes\n"
        "print(*homes().values(), sep='\\n')\n"
        "assert not [p for p in Path(homes()['KERAS_HOME']).parent.rglob('*') if p.is_file()"
        " and p.stat().st_size]"
    )
    done = subprocess.run(
        [sys.executable, "-c", source],
        env=os.environ | {"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    made = done.stdout.split()
    assert all(path.startswith(str(tmp_path)) for path in made)
    assert not list(tmp_path.iterdir())


def test_fonts_are_listed_in_a_folder_of_this_project(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(surroundings, "ROOT", tmp_path)
    for root in (tmp_path, Path(os.devnull)):  # the second one cannot be written to
        monkeypatch.setattr(surroundings, "ROOT", root)
        surroundings.matplotlib_home.cache_clear()
        try:
            folder = Path(surroundings.matplotlib_home(sys.executable))
            assert list(folder.glob("fontlist-*.json"))
            assert folder.is_relative_to(tmp_path) == (root == tmp_path)
        finally:
            surroundings.matplotlib_home.cache_clear()


def run_make(recipe: str, caller: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A recipe that runs as those of the Makefile do."""
    return subprocess.run(
        ["make", "--silent", "--file=-", "probe"],
        input=f"include Makefile\nprobe:\n\t@{recipe}\n",
        cwd=ROOT,
        env=os.environ | caller,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    "recipe",
    [
        "$(PYTHON) -c 'import sys'",
        "$(RUN) -m pytest --version",
        "$(RUN) -m tools.pages.notebooks --help",
        "$(RUN) -c 'assert False' || echo as it must",
        "$(RUN) -c 'import packaging, yaml; from tools.pages import rules'",
    ],
)
def test_the_tools_start_whatever_the_caller_has_on_the_module_path(
    tmp_path: Path, recipe: str
) -> None:
    caller = hostile_caller(tmp_path)
    done = run_make(recipe, caller | {"PYTHONSAFEPATH": "1", "PYTHONIOENCODING": "ascii"})
    assert done.returncode == 0, done.stderr
    assert "hello" not in done.stdout and "must" in done.stdout or "must" not in recipe


def test_make_leaves_the_rest_of_the_environment_alone(tmp_path: Path) -> None:
    kept = {"PIP_INDEX_URL": "https://index", "CNN50_DATA": "d", "PYTHONUNBUFFERED": "1"}
    lost = {"PYTHONPATH": "p", "PYTHONHOME": "h", "PYTEST_PLUGINS": "q"}
    said = run_make("env", kept | lost).stdout.splitlines()
    assert {f"{name}={value}" for name, value in kept.items()} <= set(said)
    assert not [line for line in said if line.split("=")[0] in lost]


needs_forks = pytest.mark.skipif(not warm_kernel.can_be_warm(), reason="no kernels to fork here")


@needs_forks
def test_a_long_folder_for_temporary_files_is_no_obstacle(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, light_parent: None
) -> None:
    import tempfile

    deep = tmp_path / ("d" * 120) / ("e" * 120)
    deep.mkdir(parents=True)
    monkeypatch.setenv("TMPDIR", str(deep))
    monkeypatch.setattr(tempfile, "tempdir", None)
    try:
        (shown,) = outputs(True, "import os\nprint(os.getppid())")
    finally:
        tempfile.tempdir = None
    assert int(shown[0].text) == warm_kernel._parents[0].process.pid


@needs_forks
@pytest.mark.parametrize("start", ["import no_such_module", "print('ready', flush=True)"])
def test_where_no_warm_parent_starts_kernels_are_ordinary_and_it_is_told_once(
    capfd: pytest.CaptureFixture[str], start: str
) -> None:
    with parent_of_its_own(start):
        for _ in range(2):
            assert outputs(True, "print(6 * 7)")[0][0].text == "42\n"
    assert capfd.readouterr().err.count("Kernels start the ordinary, slower way") == 1
