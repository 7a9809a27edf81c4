"""Which code cells only draw: their effect is a figure, and no later cell needs what they make."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tools.pages.cells import Cell

SHOW = ("bars", "curves", "drawing", "heatmap", "images", "show", "slider")
"""The functions of ``cnn50.figures`` that show a figure."""

SAYS = ("check", "claim", "print", "scale_report", "table")
"""What a reader wants to see beside the code that it comes from."""

SCOPES = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
DEFINES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)


def only_draw(code: list[Cell]) -> Iterator[Cell]:
    """The cells of a page whose only effect is a figure, as far as their text shows it.

    A cell that defines something, changes what was made before it, or prints, does more.
    """
    for place, cell in enumerate(code):
        tree = cell.tree
        if tree is None or not _draws(tree) or _does_more(tree):
            continue
        if not _needed(_bound(tree), [c.tree for c in code[place + 1 :] if c.tree is not None]):
            yield cell


def _draws(tree: ast.Module) -> bool:
    called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return any(
        isinstance(func, ast.Attribute) and func.attr in SHOW and _root(func) == "figures"
        for func in called
    )


def _does_more(tree: ast.Module) -> bool:
    own = _bound(tree) | {"figures"}
    for node in ast.walk(tree):
        if isinstance(node, DEFINES):
            return True
        if isinstance(node, ast.Call) and _called(node) in SAYS:
            return True
        stores = isinstance(getattr(node, "ctx", None), ast.Store)
        if stores and isinstance(node, (ast.Attribute, ast.Subscript)) and _root(node) not in own:
            return True
        if isinstance(node, ast.Expr) and _root(node.value) not in own:  # such as model.fit(...)
            return True
    return False


def _called(call: ast.Call) -> str:
    return getattr(call.func, "id", getattr(call.func, "attr", ""))


def _root(node: ast.AST) -> str:
    """The name at the beginning of ``a.b[0].c(...)``."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return getattr(node, "id", "")


def _bound(node: ast.AST) -> set[str]:
    """The names that a statement or a cell binds for those behind it."""
    if isinstance(node, (*SCOPES, ast.Lambda)):
        return set()
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    found = {node.id} if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else set()
    return found.union(*map(_bound, ast.iter_child_nodes(node)))


def _needed(names: set[str], later: list[ast.Module]) -> bool:
    """Whether a later statement reads one of the names before one binds it anew."""
    for statement in (statement for tree in later for statement in tree.body):
        own = _bound(statement.target) if isinstance(statement, ast.For) else set()
        if names & (set(_read(statement)) - own):
            return True
        if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.FunctionDef, ast.For, ast.With)):
            names = names - _bound(statement)
    return False


def _read(node: ast.AST) -> Iterator[str]:
    """The names that code takes from outside; a function's are taken when it is called."""
    hidden: set[str] = set()
    if isinstance(node, SCOPES):
        hidden = {name for part in node.generators for name in _bound(part.target)}
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        hidden = {part.arg for part in ast.walk(node.args) if isinstance(part, ast.arg)}
        hidden |= {name for child in ast.iter_child_nodes(node) for name in _bound(child)}
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Store):
        yield node.id
    for child in ast.iter_child_nodes(node):
        yield from (name for name in _read(child) if name not in hidden)
