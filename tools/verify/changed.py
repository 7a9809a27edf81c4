"""``make test-changed``: test the pages that changed since they were last seen green.

Changed is a page whose text, notebook, used parts of cnn50, data or pinned versions changed. What
was green is kept in ``.cache/green.json``, which is no part of the repository.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from tools.options import parser, told
from tools.pages.files import read_json, write_json
from tools.pages.page import Page, pages

CACHE = Path(".cache") / "green.json"
TESTS = ("tests/test_pages.py", "tests/test_pairing.py", "notebooks")


def state(page: Page) -> str:
    """Changes with everything that a page's tests depend on."""
    digest = hashlib.sha256(page.fingerprint.encode())
    for path in (page.text_path, page.notebook_path):
        digest.update(path.read_bytes() if path.exists() else b"missing")
    return digest.hexdigest()[:16]


def changed(root: Path) -> list[Page]:
    """The pages that were not seen green as they are now."""
    green = read_json(root / CACHE)
    return [page for page in pages(root) if green.get(page.slug) != state(page)]


def run_changed(root: Path, jobs: int) -> int:
    """Run the tests of the pages that changed; the exit status of pytest."""
    found = changed(root)
    if not found:
        print("No page changed since it was last seen green.")
        return 0
    names = " ".join(page.name for page in found)
    print(f"Testing {names}", flush=True)
    states = {page.slug: state(page) for page in found}  # before the tests: edits may follow
    command = [sys.executable, "-m", "pytest", *TESTS, "--pages", names]
    status = subprocess.run([*command, "-n", str(jobs), "--dist", "loadscope"], cwd=root).returncode
    if status == 0:
        write_json(root / CACHE, read_json(root / CACHE) | states)
    return status


def record(root: Path, only: str) -> int:
    """Note that these pages are green as they are now, after a whole run of the tests."""
    states = {page.slug: state(page) for page in pages(root, only)}
    write_json(root / CACHE, read_json(root / CACHE) | states)
    return 0


def main(arguments: list[str] | None = None) -> int:
    command = parser(__doc__)
    command.add_argument("--record", action="store_true", help="only note that pages are green")
    options = command.parse_args(arguments)
    if options.record:
        return told(record, options.root, options.pages)
    return told(run_changed, options.root, options.jobs)


if __name__ == "__main__":
    sys.exit(main())
