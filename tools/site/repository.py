"""Which GitHub repository this copy of the book is published as, and on which branch.

``_config.yml`` says so after ``make publish-as``; else the clone's own remote does. A
Colab button is offered only where the notebook names that very repository, since its first cell
installs cnn50 from there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools import ROOT
from tools.git import is_own_checkout, said

NAME = re.compile(r"[A-Za-z0-9][\w-]*/(?!\.{1,2}$)[\w.-]+", re.ASCII)
HOST = re.compile(
    r"(?:(?:https?|ssh|git|git\+ssh)://(?:[^@/\s]+@)?(?:www\.)?github\.com(?::\d+)?/"
    r"|ssh://(?:[^@/\s]+@)?ssh\.github\.com(?::\d+)?/"
    r"|(?:[^@/:\s]+@)?(?:ssh\.)?github\.com:/?)",
    re.IGNORECASE,
)
"""How the address of a repository on GitHub begins, in all the forms that git takes."""

BRANCH = re.compile(r"(?![-/])(?!.*(?:\.\.|//|@\{|\.lock$|[/.]$))[^\s~^:?*\[\\\x00-\x20\x7f\"]+")
# In a notebook's JSON the quotes are escaped: REPOSITORY = \"\".
CELL = re.compile(r'(\bREPOSITORY = )(\\?")([^"\\\n]*)(\\?")')


@dataclass(frozen=True)
class Repository:
    """``owner/name`` and branch on GitHub; empty where none is known. ``about`` says why."""

    name: str = ""
    branch: str = "main"
    about: str = ""


def name_in(address: str) -> str:
    """``owner/name`` where this is the address of a repository on github.com, else empty."""
    address = address.strip()
    begins = HOST.match(address)
    if not begins:
        return ""
    name = address[begins.end() :].removesuffix("/").removesuffix(".git")
    return name if NAME.fullmatch(name) else ""


def installs_from(path: Path) -> str:
    """The repository that a notebook's (or a page's) setup cell names; empty where none."""
    found = CELL.search(path.read_text(encoding="utf-8"))
    return found[3] if found else ""


def configured(root: Path = ROOT) -> tuple[str, str]:
    """(address, branch) of the repository in ``_config.yml``; empty where not set.

    Raises ``ValueError`` where that file cannot be read.
    """
    path = root / "_config.yml"
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {error}") from error
    facts: Any = config.get("repository") if isinstance(config, dict) else None
    facts = facts if isinstance(facts, dict) else {}
    return str(facts.get("url") or ""), str(facts.get("branch") or "")


def remote(root: Path = ROOT) -> str:
    """The repository of this checkout's remote ``origin``; empty where it is not on GitHub.

    A book that lies inside somebody's other repository has none.
    """
    return name_in(said(root, "remote", "get-url", "origin")) if is_own_checkout(root) else ""


def default_branch(root: Path = ROOT) -> str:
    """The branch that ``origin`` shows first; empty where this checkout has not heard."""
    if not is_own_checkout(root):
        return ""
    return said(root, "symbolic-ref", "--short", "refs/remotes/origin/HEAD").removeprefix("origin/")


def git_branch(root: Path = ROOT) -> str:
    """The branch that a reader finds at ``origin``, as far as git knows; else empty.

    Its default, else the one that is checked out if it is there, else main or master if they are.
    """
    if not is_own_checkout(root):
        return ""
    current = said(root, "symbolic-ref", "--short", "HEAD")
    for branch in (current, "main", "master"):
        if branch and said(root, "rev-parse", "--verify", "-q", f"refs/remotes/origin/{branch}"):
            current = branch
            break
    return default_branch(root) or current


def find(root: Path = ROOT) -> Repository:
    """The repository that the pages' Colab buttons open."""
    address, branch = configured(root)
    if address:
        name, source = name_in(address), "_config.yml"
        if not name:
            return Repository(
                about=f"No Colab buttons: {address} (in _config.yml) is not on GitHub."
            )
        branch = branch or git_branch(root) or "main"
        other = default_branch(root) if remote(root) == name else ""
        doubt = f" The default branch of origin is {other}." if other not in ("", branch) else ""
    else:
        name, source, doubt = remote(root), "the git remote origin", ""
        branch = git_branch(root) or branch or "main"
    sets = f"`make publish-as REPO={name or 'owner/name'}`"
    if not name:
        return Repository(about=f"No Colab buttons: no repository is known. {sets} sets one.")
    others = {installs_from(path) for path in (root / "notebooks").glob("q*.ipynb")} - {name}
    if others:
        named = ", ".join(sorted(others - {""})) or "none"
        return Repository(
            about=f"No Colab buttons: the repository is {name} (from {source}), but the notebooks "
            f"install cnn50 from {named}. {sets} mends that."
        )
    about = f"Colab buttons open {name}, branch {branch} (from {source}).{doubt}"
    return Repository(name, branch, about)
