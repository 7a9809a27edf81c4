"""``make matrix``: run the pages as other machines would, and keep what came of it.

A cell of the matrix is a page under a setting: other versions of TensorFlow and Keras, Colab's
Python, other numbers of threads, without oneDNN, an older instruction set. The page runs there from
a clean kernel; every output is compared with the stored one by the rule of
``tools/verify/compare.py``, and every claim must hold. The setting ``seeds`` is what ``make seeds``
keeps: claims only.

First, each setting imports once what pages import, in an ordinary kernel: a forked one would not
see what an import prints. Two settings hold the lower bounds that ``pyproject.toml`` declares to
their word: all at once, as uv resolves them, and the same under NumPy 2.

Results are kept in ``cnn50/measured/matrix.json`` and ``imports.json`` under what the page computes
and prints, so that a run that was stopped goes on where it was, and a page that did not change is
not run again.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import nbformat
from filelock import FileLock
from nbval.plugin import coalesce_streams

from tools.environment import for_uv
from tools.options import parser, told
from tools.pages.dependencies import code_fingerprint, locked
from tools.pages.files import read_json, read_notebook, read_text, write_json
from tools.pages.page import Page, last_seconds, pages
from tools.pages.questions import PageError, find_question
from tools.parallel import in_parallel
from tools.verify.compare import output_difference, read_masks
from tools.verify.kernel import CellFailed, Run, first_line
from tools.verify.seeds import margin

PLACE = Path("cnn50", "measured", "matrix.json")
IMPORTS_PLACE = PLACE.with_name("imports.json")
FREE = r"^(tensorboard|ml-dtypes|protobuf|h5py|grpcio|flatbuffers|tensorflow|keras)\b"
"""Locked packages whose versions another TensorFlow chooses for itself."""

IMPORTS = """\
import cnn50
from cnn50 import data, evidence, figures, scenes
import faiss, filterpy.kalman, imageio.v3, imageio_ffmpeg, keras, matplotlib.pyplot, motmetrics
import nibabel, numpy, pandas
import imblearn.combine, imblearn.over_sampling, imblearn.under_sampling
import PIL.Image, pycocotools.mask, requests, scipy.ndimage, scipy.stats, skimage.transform
import sklearn.linear_model, sklearn.metrics, tensorflow
"""
"""What pages import; nothing may be printed."""

KERNEL = "ipykernel>=6.17"
"""What runs pages in another environment, as the extra ``test`` asks for it."""

TIGHT = 1.3
"""A margin below this is told: another machine may well break the claim."""


@dataclass(frozen=True)
class Setting:
    """A machine to imitate: environment variables, or an environment with other packages.

    ``resolution`` is uv's, for packages that the lock does not hold. Settings that are to be
    imported only run no pages.
    """

    about: str
    variables: dict[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    python: str = ""
    resolution: str = ""
    imported_only: bool = False

    @property
    def own_packages(self) -> bool:
        return bool(self.packages or self.python or self.resolution)


SETTINGS = {
    "newest": Setting(
        "newest supported TensorFlow and Keras", packages=("tensorflow==2.21.0", "keras==3.15.1")
    ),
    "oldest": Setting(
        "oldest supported TensorFlow and Keras", packages=("tensorflow==2.19.1", "keras==3.10.0")
    ),
    "colab": Setting("Colab's versions on its Python 3.13", python="python3.13"),
    "lowest": Setting("lowest declared versions", resolution="lowest-direct"),
    "lowest-numpy2": Setting(
        "lowest declared versions that NumPy 2 goes with",
        packages=("numpy==2.1.3",),
        resolution="lowest-direct",
        imported_only=True,
    ),
    "threads-1": Setting("one thread", {"TF_NUM_INTRAOP_THREADS": "1"}),
    "threads-2": Setting("two threads", {"TF_NUM_INTRAOP_THREADS": "2"}),
    "threads-4": Setting("four threads", {"TF_NUM_INTRAOP_THREADS": "4"}),
    "onednn-off": Setting("without oneDNN", {"TF_ENABLE_ONEDNN_OPTS": "0"}),
    "sse41": Setting("oneDNN held to SSE4.1", {"ONEDNN_MAX_CPU_ISA": "SSE41"}),
}
SEEDS = "seeds"
"""The one setting that other base seeds make; ``tools/verify/seeds.py`` runs it."""


def content(page: Page) -> str:
    """Changes with what the page computes and with what it is stored to print."""
    outputs = [
        output
        for cell in read_notebook(page.notebook_path).cells
        for output in cell.get("outputs", [])
    ]
    return code_fingerprint([], page.fingerprint, json.dumps(outputs, sort_keys=True))


def interpreter(root: Path, name: str) -> str:
    """The Python of a setting, in an environment of its own that is made when first needed."""
    setting = SETTINGS[name]
    if not setting.own_packages:
        return sys.executable
    folder = root / ".cache" / "matrix" / name
    python = folder / "bin" / "python"
    kept = [line for line in locked(root) if not (setting.packages and re.match(FREE, line))]
    kept = [] if setting.resolution else kept
    wanted_versions = "\n".join([*kept, *setting.packages]) + "\n"
    asked = wanted_versions + "\n".join([setting.resolution, KERNEL, *declared(root)])
    ready = folder / "ready"  # holds the versions that were asked for
    if ready.exists() and read_text(ready) == asked:
        return str(python)
    base = setting.python or sys.executable
    if not starts(base):
        raise PageError(
            f"{name}: {base} does not start here. Put it on the PATH "
            "(with pyenv: set PYENV_VERSION)."
        )
    print(f"Making the environment of {name} ({setting.about}) ...", flush=True)
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([base, "-m", "venv", folder], check=True)
    bounds = folder / "constraints.txt"
    bounds.write_text(wanted_versions, encoding="utf-8")
    # without the project's own configuration, which holds the versions that are replaced here
    command = [sys.executable, "-m", "uv", "--no-config", "pip", "install", "--quiet"]
    command += ["--python", python, "--constraint", bounds]
    if setting.resolution:
        command += ["--resolution", setting.resolution]
    environment, where, _ = for_uv(root)
    wanted = [*where, "--editable", f"{root}[run]", KERNEL]
    if subprocess.run([*command, *wanted], env=environment, check=False).returncode:
        raise PageError(f"{name}: its packages could not be installed; uv says why above.")
    ready.write_text(asked, encoding="utf-8")
    return str(python)


def declared(root: Path) -> list[str]:
    """What ``pyproject.toml`` says that cnn50 and its pages need."""
    path = root / "pyproject.toml"
    if not path.exists():
        return []
    project = tomllib.loads(read_text(path))["project"]
    return [*project["dependencies"], *project["optional-dependencies"]["run"]]


def imports_content(root: Path, name: str) -> str:
    """Changes with the lock, the declared bounds, the setting and the list of imports."""
    return code_fingerprint([], repr(SETTINGS[name]), IMPORTS, *locked(root), *declared(root))


def what_imports_say(root: Path, name: str) -> str:
    """What the imports of pages print in an ordinary kernel under a setting: best, nothing."""
    cell = nbformat.v4.new_code_cell(IMPORTS)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    python, variables = interpreter(root, name), SETTINGS[name].variables
    try:
        with Run(notebook, root, 600, python=python, warm=False, **variables) as run:
            run.cell(0)
    except (CellFailed, RuntimeError) as failure:  # RuntimeError: the kernel did not start
        return str(failure).strip().splitlines()[-1]
    return "".join(output.get("text", output.output_type) for output in cell.outputs)


def run_imports(root: Path, names: Iterable[str]) -> bool:
    """Import once under each setting, unless that is known; whether all were silent."""
    silent = True
    for name in names:
        content = imports_content(root, name)
        row = read_json(root / IMPORTS_PLACE).get(name)
        if row is None or row["said"] or row["content"] != content:
            row = {"content": content, "said": what_imports_say(root, name)}
            with FileLock(root / ".cache" / "measured.lock"):
                write_json(root / IMPORTS_PLACE, read_json(root / IMPORTS_PLACE) | {name: row})
        silent = silent and not row["said"]
        said = row["said"].strip().replace("\n", "\n  ")
        print(f"imports {name}: " + (f"FAILED\n  {said}" if said else "silent"), flush=True)
    return silent


def starts(python: str) -> bool:
    """Whether this Python is on the path and runs; a version manager's stand-in may do neither."""
    found = shutil.which(python)
    if found is None:
        return False
    return subprocess.run([found, "-c", ""], capture_output=True, check=False).returncode == 0


def run_cell(item: tuple[str, str], root: Path) -> dict[str, Any]:
    """One page under one setting: its differences, its claims, or the error that ended it."""
    slug, name = item
    page = Page(find_question(slug, root), root)
    stored = read_notebook(page.notebook_path)
    fresh = read_notebook(page.notebook_path)
    masks = read_masks(root / "tools" / "verify" / "sanitize.cfg")
    differences = []
    error = ""
    with tempfile.TemporaryDirectory(prefix="matrix-") as folder:
        log = Path(folder) / "claims.jsonl"
        try:
            with Run(
                fresh,
                root,
                page.budget,
                python=interpreter(root, name),
                CNN50_CLAIMS="report",
                CNN50_CLAIM_LOG=str(log),
                **SETTINGS[name].variables,
            ) as run:
                for place, cell in enumerate(stored.cells):
                    if cell.cell_type != "code":
                        continue
                    run.cell(place)
                    why = output_difference(
                        coalesce_streams(cell.outputs),
                        coalesce_streams(fresh.cells[place].outputs),
                        masks,
                    )
                    if why:
                        differences.append(f"{first_line(cell.source)}: {why}")
        except CellFailed as failure:
            error = f"{failure.kind} in {first_line(stored.cells[place].source)}"
        said = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    return {
        "content": content(page),
        "differences": differences,
        "error": error,
        "claims": [summary(json.loads(line)) for line in said],
    }


def summary(claim: dict[str, Any]) -> dict[str, Any]:
    """A claim's text, whether it held, and the margin it left."""
    room = margin([claim])
    return {
        "text": claim["text"],
        "held": claim["held"],
        "margin": None if room is None else float(f"{room:.3g}"),
    }


def passed(row: dict[str, Any]) -> bool:
    """Whether a page ran through under a setting, printed the same, and all its claims held."""
    held = all(claim["held"] for claim in row["claims"])
    return held and not row["differences"] and not row["error"]


def seeds_row(root: Path, page: Page) -> dict[str, Any] | None:
    """What ``make seeds`` keeps of a page, in the form of a cell of the matrix."""
    row = read_json(root / "cnn50" / "measured" / "seeds.json").get(page.name)
    if row is None or row["fingerprint"] != page.evidence_fingerprint:
        return None
    claims = [{key: claim[key] for key in ("text", "held", "margin")} for claim in row["claims"]]
    return {"differences": [], "error": "", "claims": claims}


def known(root: Path, page: Page, name: str) -> dict[str, Any] | None:
    """The cell's row where the page is still as it was then."""
    if name == SEEDS:
        return seeds_row(root, page)
    row = read_json(root / PLACE).get(page.name, {}).get(name)
    return row if row is not None and row["content"] == content(page) else None


def keep(root: Path, page: Page, name: str, row: dict[str, Any]) -> None:
    """Store one cell's row, whole."""
    (root / ".cache").mkdir(exist_ok=True)
    with FileLock(root / ".cache" / "measured.lock"):
        rows = read_json(root / PLACE)
        rows.setdefault(page.name, {})[name] = row
        write_json(root / PLACE, rows)


def tight(row: dict[str, Any]) -> list[str]:
    """The claims that hold with little room."""
    return [
        f"{claim['text']} ({claim['margin']})"
        for claim in row["claims"]
        if claim["margin"] is not None and claim["margin"] < TIGHT
    ]


def told_row(page: Page, name: str, row: dict[str, Any]) -> str:
    """One line for the terminal, with what went wrong."""
    if passed(row):
        close = tight(row)
        return f"{page.name} {name}: passed" + (f", but tight: {'; '.join(close)}" if close else "")
    failed = [claim["text"] for claim in row["claims"] if not claim["held"]]
    why = [row["error"]] if row["error"] else []
    why += row["differences"] + [f"does not hold: {text}" for text in failed]
    return f"{page.name} {name}: FAILED\n  " + "\n  ".join(why)


def run_matrix(
    root: Path, only: str, names: Iterable[str], jobs: int, imports_only: bool = False
) -> int:
    """Run the imports and cells that are not known yet, report all; 1 where one fails."""
    found = {page.slug: page for page in pages(root, only)}
    names = list(names)
    (root / ".cache").mkdir(exist_ok=True)
    for name in names:
        if name != SEEDS:
            interpreter(root, name)  # made before pages run, by one process
    silent = run_imports(root, [name for name in names if name != SEEDS])
    names = [n for n in names if n == SEEDS or not SETTINGS[n].imported_only]
    if imports_only or not names:
        return 0 if silent else 1
    rows = {(s, n): known(root, page, n) for s, page in found.items() for n in names}
    todo = [item for item, row in rows.items() if row is None and item[1] != SEEDS]
    todo.sort(key=lambda item: (names.index(item[1]), -last_seconds(found[item[0]])))
    print(f"{len(rows)} cells, {len(todo)} of them to be run", flush=True)
    for item, row in in_parallel(partial(run_cell, root=root), todo, jobs):
        rows[item] = row
        keep(root, found[item[0]], item[1], row)
        print(told_row(found[item[0]], item[1], row), flush=True)
    print(table(found.values(), names, rows))
    missing = [f"{found[s].name} {n}" for (s, n), row in rows.items() if row is None]
    if missing:
        print(f"Not known: {', '.join(missing)}; `make seeds` runs the seeds of a page.")
    return 0 if silent and all(row is not None and passed(row) for row in rows.values()) else 1


def table(found: Iterable[Page], names: list[str], rows: dict[tuple[str, str], Any]) -> str:
    """Page by setting: the smallest margin left where all is well, else ``FAILED``."""
    lines = ["page  " + "  ".join(f"{name:>10}" for name in names)]
    for page in found:
        shown = [f"{cell_text(rows[page.slug, name]):>10}" for name in names]
        lines.append(f"{page.name}   " + "  ".join(shown))
    return "\n".join(lines)


def cell_text(row: dict[str, Any] | None) -> str:
    """A cell of the matrix in a word: its smallest margin, or what became of it."""
    if row is None:
        return "-"
    if not passed(row):
        return "FAILED"
    margins = [claim["margin"] for claim in row["claims"] if claim["margin"] is not None]
    return f"{min(margins):.2f}" if margins else "passed"


def main(arguments: list[str] | None = None) -> int:
    command = parser(__doc__)
    every = [*SETTINGS, SEEDS]
    command.add_argument("--setting", default="", help=f"of {', '.join(every)}; all where none")
    command.add_argument("--imports", action="store_true", help="no pages, only the imports")
    options = command.parse_args(arguments)
    names = options.setting.split() or every
    unknown = [name for name in names if name not in every]
    if unknown:
        print(f"There is no setting {unknown[0]!r}; there are {', '.join(every)}.")
        return 2
    return told(run_matrix, options.root, options.pages, names, options.jobs, options.imports)


if __name__ == "__main__":
    sys.exit(main())
