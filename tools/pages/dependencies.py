"""What the outputs of a page depend on, as fingerprints that change when it does.

That is: the code of cells, the parts of cnn50 that it reaches, the data that it names, and the
pinned versions.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from tools import ROOT
from tools.pages.cells import Cell
from tools.pages.files import read_text

PINNED = (
    "tensorflow",
    "keras",
    "numpy",
    "scikit-learn",
    "scikit-image",
    "scipy",
    "matplotlib",
)
"""Packages whose version can change a printed number."""

NEUTRAL = ("cnn50.data.fetch", "cnn50.data.errors", "cnn50.settings")
"""Modules that no output depends on: every file is held to its sha256, however it came, and the
kernels that make outputs have no settings that could be set back."""


def page_fingerprint(root: Path, cells: list[Cell]) -> str:
    """Changes with all that the outputs of a page of these code cells can depend on."""
    trees = [cell.tree for cell in cells if cell.tree is not None and not cell.is_setup]
    modules, words = used_parts(root, trees)
    facts = {
        "code": _code(cells),
        "modules": modules,
        "data": _data_entries(root, words),
        "pins": pins(root),
    }
    return _digest(facts)


def code_fingerprint(cells: Iterable[Cell], *more: str) -> str:
    """Changes with the code of the cells, not with its comments, and with ``more``."""
    return _digest([*_code(cells), *more])


def pins(root: Path = ROOT) -> dict[str, str]:
    """The exact versions in ``requirements.txt`` that can change a printed number."""
    found = (re.match(r"([A-Za-z0-9_.-]+)==([^\s;]+)", line) for line in locked(root))
    return {m.group(1).lower(): m.group(2) for m in found if m and m.group(1).lower() in PINNED}


def locked(root: Path = ROOT) -> list[str]:
    """The lines of ``requirements.txt`` as ``name==version ; marker``, without the hashes."""
    path = root / "requirements.txt"
    lines = read_text(path).splitlines() if path.exists() else []
    return [line.rstrip("\\ ") for line in lines if re.match(r"[A-Za-z0-9]", line)]


@dataclass(frozen=True)
class _Unit:
    """A top-level statement of a module: the names it binds, the words it uses, its canonical form.

    A unit without names runs on import, so that it always counts.
    """

    names: frozenset[str]
    words: frozenset[str]
    modules: frozenset[str]
    form: str


def used_parts(root: Path, trees: Iterable[ast.AST]) -> tuple[dict[str, list[str]], set[str]]:
    """The parts of cnn50 that the code in ``trees`` can reach, and all words in both.

    The parts are given by module, in canonical form.

    A definition counts where its name is mentioned by code that counts: rather too many than too
    few, but a function that is added to a module changes nothing for pages that do not use it.
    """
    words: set[str] = set()
    modules: set[str] = set()
    for tree in trees:
        words |= _words(tree)
        modules |= _imported(root, tree, "")
    used: dict[str, set[int]] = {}
    grew = True
    while grew:
        grew = False
        for module in sorted(modules):
            taken = used.setdefault(module, set())
            for place, unit in enumerate(_units(root, module)):
                if place not in taken and (not unit.names or unit.names & words):
                    taken.add(place)
                    words |= unit.words
                    modules |= unit.modules
                    grew = True
    parts = {
        module: [
            unit.form for place in sorted(places) if (unit := _units(root, module)[place]).form
        ]
        for module, places in sorted(used.items())
    }
    return parts, words


def _units(root: Path, module: str) -> tuple[_Unit, ...]:
    path = _module_path(root, module)
    assert path is not None, module
    return _units_in(root, module, path, path.stat().st_mtime_ns)


@cache
def _units_in(root: Path, module: str, path: Path, changed: int) -> tuple[_Unit, ...]:
    """The units of a file; ``changed``, when it was, keeps an old answer from being given."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    return tuple(
        unit
        for statement in ast.parse(read_text(path)).body
        for unit in _units_of(root, statement, package)
    )


def _units_of(root: Path, statement: ast.stmt, package: str) -> list[_Unit]:
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return []  # a docstring
    modules = frozenset(_imported(root, statement, package))
    words = frozenset(_words(statement))
    if modules:  # that a name is imported is no use of it
        return [_Unit(frozenset(), frozenset(), modules, "")]
    table = _dispatch_table(statement)
    if table:
        return [
            _Unit(
                frozenset({key}), frozenset(_words(value)), modules, f"{key}: {_canonical(value)}"
            )
            for key, value in table.items()
        ]
    return [_Unit(frozenset(_names(statement)), words, modules, _canonical(statement))]


def _names(statement: ast.stmt) -> set[str]:
    """The names by which code reaches the statement; none where it runs on import."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        if statement.name.startswith("__"):
            return set()
        inside = (node for d in statement.decorator_list for node in ast.walk(d))
        called = {word for node in inside if (word := _string(node)) is not None}
        return {statement.name} | called  # @register("mnist") is known by that word, too
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return {alias.asname or alias.name.split(".")[0] for alias in statement.names}
    if isinstance(statement, (ast.Assign, ast.AnnAssign)):
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        return {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
    return set()


def _dispatch_table(statement: ast.stmt) -> dict[str, ast.expr]:
    """The entries of ``TABLE = {"key": function, ...}``, each of which is used by its key."""
    value = statement.value if isinstance(statement, (ast.Assign, ast.AnnAssign)) else None
    if not isinstance(value, ast.Dict):
        return {}
    if not all(isinstance(item, (ast.Name, ast.Attribute)) for item in value.values):
        return {}
    keys = [_string(key) for key in value.keys]
    if None in keys:
        return {}
    return {key: item for key, item in zip(keys, value.values, strict=True) if key is not None}


def _string(node: ast.AST | None) -> str | None:
    """The value of a string literal, else None."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    return None


def _words(tree: ast.AST) -> set[str]:
    """Every identifier and every short string in the code."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        elif isinstance(node, ast.alias):
            found.update(node.name.split("."))
        elif (text := _string(node)) is not None and len(text) < 80:
            found.add(text)
    return found


def _imported(root: Path, tree: ast.AST, package: str) -> set[str]:
    """The cnn50 modules that the code imports; ``package`` is what relative imports start from."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            candidates = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            candidates = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in candidates:
            steps = name.split(".")
            every = (".".join(steps[: end + 1]) for end in range(len(steps)))
            if steps[0] == "cnn50":
                found.update(m for m in every if m not in NEUTRAL and _module_path(root, m))
    return found


def _module_path(root: Path, module: str) -> Path | None:
    base = root.joinpath(*module.split("."))
    for path in (base / "__init__.py", base.with_suffix(".py")):
        if path.exists():
            return path
    return None


def _canonical(node: Any) -> str:
    """A syntax tree as text: the same for every Python version, without docstrings."""
    if isinstance(node, list):
        return "[" + ",".join(_canonical(item) for item in node) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    fields = []
    for name, value in ast.iter_fields(node):
        if value is None and not isinstance(node, ast.Constant) or value == [] or name == "kind":
            continue
        if name == "body" and isinstance(
            node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        ):
            value = value[1:] if ast.get_docstring(node, clean=False) is not None else value
        fields.append(f"{name}={_canonical(value)}")
    return f"{type(node).__name__}({','.join(fields)})"


def _code(cells: Iterable[Cell]) -> list[str]:
    return [
        _canonical(cell.tree) if cell.tree is not None else cell.source
        for cell in cells
        if not cell.is_setup
    ]


def _data_entries(root: Path, words: set[str]) -> dict[str, Any]:
    """The entries of the data registry whose names the code mentions.

    Mirrors are left out: every file is held to its sha256, wherever it comes from.
    """
    path = root / "cnn50" / "data" / "registry.toml"
    if not path.exists():
        return {}
    return {
        f"{kind}.{name}": entry
        for kind, entries in tomllib.loads(read_text(path)).items()
        if kind != "mirror" and isinstance(entries, dict)
        for name, entry in entries.items()
        if name in words
    }


def _digest(facts: Any) -> str:
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
