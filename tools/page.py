"""What every tool needs to know about a page: where it lies, what it says, what it depends on.

A page is a pair: ``book/questions/qNN-slug.md``, which people edit, and
``notebooks/qNN-slug.ipynb``, which is made from it and holds the outputs of its last run.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import nbformat
import yaml
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent

VERSION = "1.0.0"
"""The released tag that the pages install on Colab; the version in ``pyproject.toml``."""

SETUP_CELL = '''\
# Setup. Does nothing where cnn50 is installed; on Colab it installs it.
import importlib.util

if importlib.util.find_spec("cnn50") is None:
    REPOSITORY = ""  # owner/name on GitHub; `make publish-as REPO=owner/name` fills it in
    if not REPOSITORY:
        raise ModuleNotFoundError(
            "cnn50 is not installed and this copy of the notebook names no repository "
            "to install it from. Clone the book and run `make notebooks`, "
            "or use the self-contained Colab file offered on the page."
        )
    %pip install -q "cnn50[run] @ git+https://github.com/{REPOSITORY}@vVERSION"'''.replace(
    "vVERSION", f"v{VERSION}"
)
"""The first code cell of every page, in a copy of the book that no repository is set for."""

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

NEUTRAL = ("cnn50.data.fetch", "cnn50.data.errors")
"""Modules that no output depends on: every file is held to its sha256, however it came."""

AFTER_EVIDENCE = ("Exercises", "On a GPU", "Sources")
"""Sections whose code serves the reader and proves no claim of the page."""

MYST = {"extension": ".md", "format_name": "myst"}


class PageError(Exception):
    """A page that cannot be found or read. The message says what to do."""


@dataclass(frozen=True)
class Question:
    """One of the fifty questions, as ``book/questions.yml`` lists it."""

    number: int
    slug: str
    part: int
    title: str

    @property
    def name(self) -> str:
        """Short name: ``q07``."""
        return f"q{self.number:02d}"


@dataclass(frozen=True)
class Cell:
    """A cell of a page. ``index`` counts code cells from 1; prose cells have 0."""

    kind: str
    source: str
    tags: tuple[str, ...]
    metadata: dict[str, Any]
    section: str
    index: int

    @cached_property
    def tree(self) -> ast.Module | None:
        """The parsed code without its magic lines, or None where it does not parse."""
        lines = ["" if re.match(r"\s*[%!]", line) else line for line in self.source.splitlines()]
        try:
            return ast.parse("\n".join(lines))
        except SyntaxError:
            return None

    @property
    def is_setup(self) -> bool:
        """Whether this is the cell that installs cnn50."""
        return 'find_spec("cnn50")' in self.source


@dataclass(frozen=True)
class Claim:
    """A call of ``claim`` as it stands in the code.

    text is the constant part of its text; constant is true where its value is a literal, so that
    nothing was measured; bounds are the literal thresholds.
    """

    text: str
    cell: Cell
    constant: bool
    bounds: tuple[float, ...]


class Page:
    """A question page of the project at ``root``, read from its Markdown half."""

    def __init__(self, question: Question, root: Path = ROOT):
        self.question = question
        self.root = root

    def __repr__(self) -> str:
        return f"Page({self.slug})"

    @property
    def name(self) -> str:
        return self.question.name

    @property
    def slug(self) -> str:
        return self.question.slug

    @property
    def text_path(self) -> Path:
        """The half that people edit."""
        return self.root / "book" / "questions" / f"{self.slug}.md"

    @property
    def notebook_path(self) -> Path:
        """The half that is executed."""
        return self.root / "notebooks" / f"{self.slug}.ipynb"

    @cached_property
    def text(self) -> str:
        return self.text_path.read_text(encoding="utf-8")

    @cached_property
    def source(self) -> NotebookNode:
        """The page as jupytext reads it: cells without outputs."""
        import jupytext  # here, since tools that build the site import this module without it

        try:
            return jupytext.reads(self.text, fmt=MYST)
        except Exception as error:
            raise PageError(
                f"{self.text_path} cannot be read: {error}. Look at its front matter "
                "(between the two lines '---') and at the fences of its code cells."
            ) from error

    @cached_property
    def facts(self) -> dict[str, Any]:
        """The front matter under ``cnn50:``."""
        facts = self.source.metadata.get("cnn50")
        return json.loads(json.dumps(facts)) if isinstance(facts, dict) else {}

    @cached_property
    def cells(self) -> list[Cell]:
        return list(_cells(self.source))

    @property
    def code(self) -> list[Cell]:
        """The code cells, in order."""
        return [cell for cell in self.cells if cell.kind == "code"]

    @property
    def evidence_code(self) -> list[Cell]:
        """The code cells that the page's claims rest on: all before the exercises."""
        return [cell for cell in self.code if cell.section not in AFTER_EVIDENCE]

    @cached_property
    def claims(self) -> list[Claim]:
        """The claims outside the exercises, in order."""
        return [claim for cell in self.evidence_code for claim in claims_in(cell)]

    @property
    def budget(self) -> float:
        """Seconds that the page's run may take; 150, the largest budget, where none is given."""
        budget = self.facts.get("budget_s")
        return float(budget) if isinstance(budget, (int, float)) else 150.0

    @cached_property
    def fingerprint(self) -> str:
        """Changes when something changes that the outputs can depend on, and only then.

        That is: the code (not its comments), the parts of cnn50 that the page uses (not their
        docstrings), the data files it names, and the pinned versions.
        """
        trees = [cell.tree for cell in self.code if cell.tree is not None and not cell.is_setup]
        modules, words = used_parts(self.root, trees)
        facts = {
            "code": _code(self.code),
            "modules": modules,
            "data": _data_entries(self.root, words),
            "pins": pins(self.root),
        }
        return _digest(facts)

    @cached_property
    def evidence_fingerprint(self) -> str:
        """Changes with the code before the exercises; the results of other seeds are held to it."""
        return code_fingerprint(self.evidence_code)


def code_fingerprint(cells: Iterable[Cell], *more: str) -> str:
    """Changes with the code of the cells, not with its comments, and with ``more``."""
    return _digest([*_code(cells), *more])


def questions(root: Path = ROOT) -> list[Question]:
    """The fifty questions, by number, from ``book/questions.yml``."""
    listed = yaml.safe_load((root / "book" / "questions.yml").read_text(encoding="utf-8"))
    found = [
        Question(row["number"], row["slug"], part["part"], row["question"])
        for part in listed["parts"]
        for row in part["questions"]
    ]
    return sorted(found, key=lambda question: question.number)


def part_titles(root: Path = ROOT) -> dict[int, str]:
    """The titles of the eight parts."""
    listed = yaml.safe_load((root / "book" / "questions.yml").read_text(encoding="utf-8"))
    return {part["part"]: part["title"] for part in listed["parts"]}


def find_question(name: str, root: Path = ROOT) -> Question:
    """The question called ``q24``, ``24`` or by its slug."""
    wanted = name.strip().lower()
    number = re.fullmatch(r"q?0*(\d+)", wanted)
    for question in questions(root):
        if wanted == question.slug or (number and int(number.group(1)) == question.number):
            return question
    raise PageError(f"There is no question {name!r}: write q01 to q50, or a slug.")


def pages(root: Path = ROOT, only: str = "") -> list[Page]:
    """The pages that exist, by number; ``only`` names some of them: ``"q16 q24"``."""
    wanted = [find_question(name, root) for name in re.split(r"[\s,]+", only.strip()) if name]
    missing = [q for q in wanted if not Page(q, root).text_path.exists()]
    if missing:
        names = ", ".join(q.name for q in missing)
        raise PageError(f"No page yet for {names}: `make new Q={missing[0].number}` starts one.")
    found = [Page(question, root) for question in wanted or questions(root)]
    return [page for page in found if page.text_path.exists()]


def last_seconds(page: Page) -> float:
    """How long the page's last stored run took; its budget where it never ran."""
    run = read_json(page.root / "notebooks" / "runs.json").get(page.slug, {})
    return float(run.get("seconds", page.budget))


def setup_cell(repository: str = "") -> str:
    """The setup cell of a copy of the book published as ``owner/name``."""
    return SETUP_CELL.replace('REPOSITORY = ""', f'REPOSITORY = "{repository}"')


def squash(text: str) -> str:
    """Words only, in lower case: how headings, claims and breaks are matched."""
    return re.sub(r"[\W_]+", " ", text).lower().strip()


def claims_in(cell: Cell) -> list[Claim]:
    """The calls of ``claim`` in a cell, in order."""
    found = []
    for node in ast.walk(cell.tree) if cell.tree else ():
        if not isinstance(node, ast.Call) or _called(node) != "claim" or not node.args:
            continue
        named = {keyword.arg: keyword.value for keyword in node.keywords}
        value = node.args[1] if len(node.args) > 1 else named.get("value")
        bounds = [number(named[key]) for key in ("at_least", "at_most") if key in named]
        found.append(
            Claim(
                text=_literal(node.args[0]),
                cell=cell,
                constant=value is None or number(value) is not None,
                bounds=tuple(bound for bound in bounds if bound is not None),
            )
        )
    return found


def number(node: ast.expr) -> float | None:
    """The value of a literal number such as ``-0.5`` or ``10 / 3``, else None."""
    if not all(
        isinstance(part, (ast.Constant, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop))
        for part in ast.walk(node)
    ):
        return None
    try:
        value = eval(compile(ast.Expression(node), "<literal>", "eval"), {"__builtins__": {}})
    except Exception:
        return None
    return float(value) if isinstance(value, (int, float)) else None


def pins(root: Path = ROOT) -> dict[str, str]:
    """The exact versions in ``requirements.txt`` that can change a printed number."""
    found = (re.match(r"([A-Za-z0-9_.-]+)==([^\s;]+)", line) for line in locked(root))
    return {m.group(1).lower(): m.group(2) for m in found if m and m.group(1).lower() in PINNED}


def locked(root: Path = ROOT) -> list[str]:
    """The lines of ``requirements.txt`` as ``name==version ; marker``, without the hashes."""
    path = root / "requirements.txt"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [line.rstrip("\\ ") for line in lines if re.match(r"[A-Za-z0-9]", line)]


def read_json(path: Path) -> dict[str, Any]:
    """The content of a JSON file; an empty dict where there is none."""
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def write_whole(path: Path, text: str) -> None:
    """Write a file so that whoever reads it sees all of the old text or all of the new."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.new")
    half.write_text(text, encoding="utf-8")
    half.replace(path)


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Write a JSON file whole, with sorted keys, so that its diffs are short."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
    write_whole(path, text + "\n")


# What a page depends on


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
        for statement in ast.parse(path.read_text(encoding="utf-8")).body
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
        for kind, entries in tomllib.loads(path.read_text(encoding="utf-8")).items()
        if kind != "mirror" and isinstance(entries, dict)
        for name, entry in entries.items()
        if name in words
    }


def _digest(facts: Any) -> str:
    text = json.dumps(facts, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _called(node: ast.Call) -> str:
    return getattr(node.func, "id", getattr(node.func, "attr", ""))


def _literal(node: ast.AST) -> str:
    """The constant text of a string or of an f-string up to its first blank."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        text = ""
        for part in node.values:
            if not isinstance(part, ast.Constant):
                break
            text += str(part.value)
        return text
    return ""


def _cells(notebook: NotebookNode) -> Iterator[Cell]:
    section, index = "", 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^## (.+?)\s*$", cell.source, re.M)
            section = headings[-1] if headings else section
        index += cell.cell_type == "code"
        yield Cell(
            kind=cell.cell_type,
            source=cell.source,
            tags=tuple(cell.metadata.get("tags", ())),
            metadata=dict(cell.metadata),
            section=section,
            index=index if cell.cell_type == "code" else 0,
        )


def cells_of(notebook: NotebookNode) -> list[Cell]:
    """The cells of any notebook, with their sections."""
    return list(_cells(notebook))


def read_notebook(path: Path) -> NotebookNode:
    """Read an ``.ipynb`` file."""
    return nbformat.read(path, as_version=4)
