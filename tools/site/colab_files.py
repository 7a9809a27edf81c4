"""Writes notebooks that carry the ``cnn50`` package themselves: ``make colab-files``.

Uploaded to Colab (or opened in any Jupyter), such a notebook installs ``cnn50`` from its own setup
cell and runs, with no repository at all. The same tree gives the same bytes. Its links to other
files of the book lead to the site or the repository; where neither is known they are plain text.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import yaml

from tools import ROOT
from tools.pages import files
from tools.pages.yours import SIGNED
from tools.site.repository import Repository, find

OUTPUT = ROOT / "_build" / "colab"
EPOCH = "1577836800"  # the date of every file in the wheel: 1 January 2020
LINK = re.compile(
    r"(?P<code>(?m:^[ ]{0,3}(?P<fence>```+|~~~+)(?s:.*?)(?:^[ ]{0,3}(?P=fence)|\Z))"
    r"|(?<!`)(?P<ticks>`+)(?!`)(?s:.+?)(?<!`)(?P=ticks)(?!`)"
    r"|\$\$(?s:.+?)\$\$|(?<![\\$])\$(?=\S)[^$]+?(?<=\S)\$(?!\d))"
    r"|!?\[(?P<words>(?:[^\[\]]|\[[^\[\]]*\])*)\]"
    r"\(\s*(?:<(?P<angle>[^>\n]+)>|(?P<bare>[^()<>\s]+))(?:\s+(?:\"[^\"]*\"|'[^']*'))?\s*\)"
    r"|(?m:^[ ]{0,3}\[(?P<label>[^\[\]^][^\[\]]*)\]:[ \t]*(?P<named>\S+)[^\n]*\n?)"
    r"|<(?:a|img)\b[^>]*?(?P<attribute>\s(?:href|src)=[\"'](?P<quoted>[^\"']+)[\"'])[^>]*>"
)
"""Code and formulas of Markdown, and its links: in line, defined apart, and in HTML."""

RELATIVE = re.compile(
    r"(?![a-z][a-z0-9+.-]*:|//|#)(?:\.{1,2}/|[^\s?#]*\.\w+(?:[?#]|$))", re.IGNORECASE
)
"""The address of a file of the book: no scheme, no host, no place on the same page."""

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


def with_links(source: str, address: Callable[[str], str]) -> str:
    """Markdown whose relative links are replaced by ``address`` of them, or by their words.

    Code and formulas stay as they are.
    """

    dropped = []

    def replaced(found: re.Match[str]) -> str:
        group = next((g for g in ("bare", "angle", "named", "quoted") if found[g]), "")
        if not group or not RELATIVE.match(unquote(found[group])):
            return found[0]
        if new := address(found[group]):
            return _without(found, group, new)
        if group == "quoted":  # <a> without an address is plain text
            return _without(found, "attribute", "")
        if group == "named":
            dropped.append(found["label"])
            return ""
        return found["words"]

    text = LINK.sub(replaced, source)
    for label in dropped:
        name = re.escape(label)
        text = re.sub(rf"\[((?:[^\[\]]|\[[^\[\]]*\])+)\]\[{name}\]", r"\1", text, flags=re.I)
        text = re.sub(rf"\[({name})\](?:\[\])?(?![(\[:])", r"\1", text, flags=re.I)
    return text


def _without(found: re.Match[str], group: str, new: str) -> str:
    """The match with ``new`` in place of one of its groups."""
    start, end = (place - found.start() for place in found.span(group))
    return found[0][:start] + new + found[0][end:]


def addresses(root: Path, repository: Repository) -> Callable[[str], str]:
    """What turns a link in a notebook into one that holds anywhere, or into nothing."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    site = str(((config or {}).get("html") or {}).get("baseurl") or "").rstrip("/")
    branch = quote(repository.branch)
    code = f"https://github.com/{repository.name}/blob/{branch}" if repository.name else ""

    def address(target: str) -> str:
        path, mark, part = target.partition("#")
        file = (root / "notebooks" / unquote(path)).resolve()
        if not file.exists() or not file.is_relative_to(root.resolve()):
            return ""
        place = file.relative_to(root.resolve())
        if site and place.suffix in (".ipynb", ".md") and place.parts[0] in ("book", "notebooks"):
            return f"{site}/{quote(place.with_suffix('.html').as_posix())}{mark}{part}"
        return f"{code}/{quote(place.as_posix())}{mark}{part}" if code else ""

    return address


def write_all(
    root: Path = ROOT, output: Path = OUTPUT, repository: Repository | None = None
) -> list[Path]:
    """Write one file a notebook, all or none; returns their paths."""
    notebooks = sorted((root / "notebooks").glob("q*.ipynb"))
    if not notebooks:
        return []
    setup = setup_cell(*build_wheel(root))
    address = addresses(root, find(root) if repository is None else repository)
    texts = {}
    for path in notebooks:
        try:
            notebook = with_wheel(json.loads(path.read_text(encoding="utf-8")), setup)
        except ValueError as error:
            raise ValueError(f"{path.name}: {error}") from error
        notebook["metadata"].pop(SIGNED, None)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "markdown":
                text = with_links("".join(cell["source"]), address)
                cell["source"] = text.splitlines(keepends=True)
        texts[output / path.name] = json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"
    files.write_all(texts)
    return list(texts)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="make colab-files", description=__doc__)
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder to write to")
    output = parser.parse_args().output.resolve()
    written = write_all(ROOT, output)
    print(f"{len(written)} notebooks that carry cnn50 themselves: {output}")


if __name__ == "__main__":
    main()
