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

from tools import ROOT
from tools.pages import toc
from tools.site import colab_files
from tools.site.repository import Repository, find

OUTPUT = ROOT / "_build" / "html"
JUPYTER_BOOK = "from jupyter_book.cli.main import main; main()"
NO_REPOSITORY = Repository()
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class BuildFailed(RuntimeError):
    """The site could not be built; the message is what Sphinx said."""


def run_sphinx(root: Path, folder: Path, repository: Repository) -> Path:
    """Build into ``folder`` and return the site's folder. Raises ``BuildFailed``."""
    command = [sys.executable, "-c", JUPYTER_BOOK, "build", str(root)]
    command += ["--path-output", str(folder), "-n", "-W", "--keep-going", "-q"]
    environment = {**os.environ, "CNN50_REPOSITORY": repository.name}
    environment["CNN50_BRANCH"] = repository.branch
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BuildFailed(COLOUR.sub("", done.stdout + done.stderr).strip())
    return folder / "_build" / "html"


def build(root: Path = ROOT, output: Path = OUTPUT, repository: Repository = NO_REPOSITORY) -> Path:
    """Build the site of ``root`` at ``output`` and return the path of its home page.

    Raises ``BuildFailed`` where ``output`` is a folder that holds anything but a site built before.
    """
    if output.is_dir() and any(output.iterdir()) and not (output / "searchindex.js").exists():
        raise BuildFailed(f"{output} holds something that is no site of this book: not replaced.")
    output.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".site-", dir=output.parent) as folder:
        site = run_sphinx(root, Path(folder), repository)
        colab_files.write_all(root, site / "colab", repository)
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


def make(output: Path = OUTPUT) -> int:
    """Build the book at ``output`` and say so; the exit status."""
    started = time.monotonic()
    if toc.update():
        print("_toc.yml now lists the pages that have landed.")
    try:
        repository = find()
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    print(repository.about)
    print("Building the site ...", flush=True)
    try:
        index = build(ROOT, output, repository)
    except BuildFailed as failure:
        print(failure, file=sys.stderr)
        print("The site was not built; the old one, if any, is as it was.", file=sys.stderr)
        return 1
    print(f"Built in {time.monotonic() - started:.0f} s: {index}")
    return 0


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="make book", description="Build the site.")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the site")
    return make(parser.parse_args().output.resolve())


if __name__ == "__main__":
    sys.exit(main())
