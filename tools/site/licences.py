"""``python -m tools.site.licences``: under which licences the locked packages come.

We import these packages and build a site with them; we pass none of them on. Any licence that lets
everyone use a package does. Copyleft ones are told apart in the list, since a copy of the book that
also carried the package would have to keep their terms.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from tools import ROOT
from tools.pages.dependencies import locked
from tools.pages.files import write_json

FAMILIES = {
    "MPL-2.0": r"\bMPL|mozilla public",
    "LGPL": r"\bLGPL|lesser general",
    "GPL": r"\bA?GPL|general public",
    "Apache-2.0": r"apache|\bASL 2",
    "BSD": r"BSD|three-clause",
    "MIT": r"\bMIT|expat",
    "PSF": r"\bPSF|python software|python-2\.0",
    "ISC": r"\bISC",
    "HPND": r"HPND|historical permission",
    "Unlicense": r"unlicense",
    "CC0": r"\bCC0|public domain",
    "Zlib": r"\bzlib",
}
"""SPDX family by what a package's metadata may call it; the first that fits counts."""

COPYLEFT = ("MPL-2.0", "LGPL", "GPL")


@dataclass(frozen=True)
class Licence:
    """A locked package, its version, and the licence family that its metadata names."""

    package: str
    version: str
    family: str


def family(package: Distribution) -> str:
    """The family of a package's licence: from SPDX expression, classifiers, or the licence's text.

    Where several are named at one place, the first of ``FAMILIES`` counts.
    """
    facts = package.metadata
    classifiers = facts.get_all("Classifier") or []
    said = [facts.get("License-Expression") or ""]
    said += [" ".join(line for line in classifiers if line.startswith("License ::"))]
    said += (facts.get("License") or "").strip().splitlines()[:3]
    said += [text[:400] for text in texts(package)]
    for text in said:
        for name, pattern in FAMILIES.items():
            if re.search(pattern, text, re.IGNORECASE):
                return name
    return "unknown"


def texts(package: Distribution) -> list[str]:
    """The licence files that a package carries."""
    files = [
        file for file in package.files or [] if re.search(r"licen[cs]e|copying", file.name, re.I)
    ]
    return [file.read_text() for file in files if file.suffix not in (".py", ".pyc")]


def licences(root: Path = ROOT) -> list[Licence]:
    """One row for each locked package that is installed here, by name."""
    rows = []
    for line in locked(root):
        name, _, version = line.split(";")[0].strip().partition("==")
        try:
            package = distribution(name)
        except PackageNotFoundError:  # for another system or Python version
            continue
        rows.append(Licence(name, version, family(package)))
    return rows


def by_family(root: Path = ROOT) -> dict[str, list[str]]:
    """The names of the packages under each licence family."""
    found: dict[str, list[str]] = {}
    for row in licences(root):
        found.setdefault(row.family, []).append(row.package)
    return found


if __name__ == "__main__":
    write_json(ROOT / "cnn50" / "measured" / "licences.json", by_family())
    print("cnn50/measured/licences.json written.")
