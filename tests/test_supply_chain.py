"""What is installed is what the lock names, and its licences are known."""

from __future__ import annotations

import re

from tools import ROOT
from tools.pages.dependencies import locked
from tools.pages.files import read_json
from tools.site.licences import by_family, licences


def test_every_locked_package_has_one_version_and_hashes() -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", text)[1:]
    assert len(entries) == len(locked())
    bare = [entry.split("==")[0] for entry in entries if "--hash=sha256:" not in entry]
    assert not bare, f"no hash for {bare}: run `make lock`"
    assert all(re.match(r"[A-Za-z0-9_.-]+==[^\s;=]+", line) for line in locked())


def test_every_licence_is_known() -> None:
    unknown = [row.package for row in licences() if row.family == "unknown"]
    assert not unknown, f"look up the licences of {unknown}, then extend tools/site/licences.py"


def test_the_list_of_licences_is_current() -> None:
    """By package: which are installed depends on the system, so that some may be missing here."""
    listed = read_json(ROOT / "cnn50" / "measured" / "licences.json")
    where = {package: family for family, names in listed.items() for package in names}
    new = [
        f"{package} ({family})"
        for family, names in by_family().items()
        for package in names
        if where.get(package) != family
    ]
    assert not new, (
        f"run `.venv/bin/python -m tools.site.licences`: not listed are {', '.join(new)}"
    )
