"""Builds the site from the stored outputs: ``make book``. Needs no TensorFlow, runs no notebook.

Every warning of the build is an error. The new site takes the place of the old one only when it is
complete; a build that fails or is interrupted leaves the old one as it was.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

from tools import ROOT
from tools.pages import toc
from tools.site import colab_files

OUTPUT = ROOT / "_build" / "html"
JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
GITHUB = re.compile(r"github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$")


class BuildFailed(RuntimeError):
    """The site could not be built; the message is what Sphinx said."""


def configured_repository(root: Path = ROOT) -> str:
    """``owner/name`` from ``_config.yml``; empty where none is set."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    match = GITHUB.search((config.get("repository") or {}).get("url") or "")
    return match[1] if match else ""


def remote_repository(root: Path = ROOT) -> str:
    """``owner/name`` of the clone's own GitHub remote ``origin``; empty where there is none."""
    command = ["git", "-C", str(root), "remote", "get-url", "origin"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    match = GITHUB.search(answer.stdout.strip())
    return match[1] if match else ""


def find_repository(root: Path = ROOT) -> tuple[str, str]:
    """(``owner/name`` or empty, one line that says where it comes from)."""
    if name := configured_repository(root):
        return name, f"Colab buttons open {name} (from _config.yml)."
    if name := remote_repository(root):
        return name, f"Colab buttons open {name} (from the git remote origin)."
    return "", (
        "No repository is known, so the pages carry no Colab button: "
        "`make publish-as REPO=owner/name` sets one."
    )


def run_sphinx(root: Path, folder: Path, repository: str) -> Path:
    """Build into ``folder`` and return the site's folder. Raises ``BuildFailed``."""
    command = [sys.executable, "-c", JUPYTER_BOOK, "build", str(root)]
    command += ["--path-output", str(folder), "-n", "-W", "--keep-going", "-q"]
    environment = {**os.environ, "CNN50_REPOSITORY": repository}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildFailed(COLOUR.sub("", done.stdout + done.stderr).strip())
    return folder / "_build" / "html"


def build(root: Path = ROOT, output: Path = OUTPUT, repository: str = "") -> Path:
    """Build the site of ``root`` at ``output`` and return the path of its home page."""
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".site-", dir=output.parent) as folder:
        site = run_sphinx(root, Path(folder), repository)
        colab_files.write_all(root, site / "colab")
        replace(output, site, Path(folder, "old"))
    return output / "index.html"


def replace(output: Path, site: Path, old: Path) -> None:
    """Put the folder ``site`` where ``output`` is, which goes to ``old``; all of it or nothing."""
    if not output.exists():
        site.rename(output)
        return
    output.rename(old)
    try:
        site.rename(output)
    except BaseException:
        old.rename(output)
        raise


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="make book", description="Build the site.")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the site")
    output = parser.parse_args().output.resolve()
    started = time.monotonic()
    if toc.update():
        print("_toc.yml now lists the pages that have landed.")
    repository, line = find_repository()
    print(line)
    print("Building the site ...", flush=True)
    try:
        index = build(ROOT, output, repository)
    except BuildFailed as failure:
        print(failure, file=sys.stderr)
        print("The site was not built; the old one, if any, is as it was.", file=sys.stderr)
        return 1
    print(f"Built in {time.monotonic() - started:.0f} s: {index}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
