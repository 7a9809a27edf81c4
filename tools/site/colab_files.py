"""Writes notebooks that carry the ``cnn50`` package themselves: ``make colab-files``.

Uploaded to Colab (or opened in any Jupyter), such a notebook installs ``cnn50`` from its own setup
cell and runs, with no repository at all. The same tree gives the same bytes.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

from tools import ROOT

OUTPUT = ROOT / "_build" / "colab"
EPOCH = "1577836800"  # the date of every file in the wheel: 1 January 2020
MARK = 'find_spec("cnn50")'  # what a page's setup cell is known by
SETUP = '''\
# @title Setup: installs cnn50 from this very file where it is not installed yet
import importlib.util

if importlib.util.find_spec("cnn50") is None:
    import base64
    import pathlib
    import tempfile

    WHEEL = """
{wheel}
"""
    wheel = pathlib.Path(tempfile.mkdtemp(), "{name}")
    wheel.write_bytes(base64.b64decode(WHEEL))
    %pip install -q "{{wheel}}[run]"
'''


def build_wheel(root: Path = ROOT) -> tuple[str, bytes]:
    """(file name, content) of the wheel of ``cnn50`` as it stands in the tree."""
    code = "import sys; from flit_core.buildapi import build_wheel; build_wheel(sys.argv[1])"
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "SOURCE_DATE_EPOCH": EPOCH}
        command = [sys.executable, "-c", code, folder]
        subprocess.run(command, cwd=root, env=environment, check=True, capture_output=True)
        wheel = next(Path(folder).glob("*.whl"))
        return wheel.name, wheel.read_bytes()


def setup_cell(name: str, wheel: bytes) -> str:
    """The setup cell that carries ``wheel``."""
    lines = textwrap.wrap(base64.b64encode(wheel).decode(), 100)
    return SETUP.format(name=name, wheel="\n".join(lines)).rstrip("\n")


def with_wheel(notebook: dict[str, Any], setup: str) -> dict[str, Any]:
    """A copy of the notebook with ``setup`` in place of its setup cell, folded on Colab.

    Raises ``ValueError`` where the notebook has no setup cell.
    """
    copy = json.loads(json.dumps(notebook))
    for cell in copy["cells"]:
        if cell["cell_type"] == "code" and MARK in "".join(cell["source"]):
            cell["source"] = setup.splitlines(keepends=True)
            cell["metadata"]["cellView"] = "form"
            return copy
    raise ValueError(f"no code cell with {MARK}")


def write_all(root: Path = ROOT, output: Path = OUTPUT) -> list[Path]:
    """Write one file a notebook; returns their paths."""
    output.mkdir(parents=True, exist_ok=True)
    notebooks = sorted((root / "notebooks").glob("q*.ipynb"))
    if not notebooks:
        return []
    setup = setup_cell(*build_wheel(root))
    written = []
    for path in notebooks:
        try:
            notebook = with_wheel(json.loads(path.read_text(encoding="utf-8")), setup)
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from error
        target = output / path.name
        text = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
        target.write_text(text, encoding="utf-8")
        written.append(target)
    return written


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="make colab-files", description=__doc__)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder to write to")
    output = parser.parse_args().output.resolve()
    written = write_all(ROOT, output)
    print(f"{len(written)} notebooks that carry cnn50 themselves: {output}")


if __name__ == "__main__":
    main()
