"""Makes this copy of the book point at your GitHub repository: ``make publish-as REPO=owner/name``.

Sets ``repository`` in ``_config.yml``, address and branch, and the name in the setup cell of every
page, in both halves of its pair. Only these words change: outputs and the rest of the files stay as
they are, byte for byte. Either all files are changed or none.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

import yaml

from tools import ROOT
from tools.pages.files import write_all
from tools.site.repository import BRANCH, CELL, NAME, configured, git_branch, name_in

PLAIN = re.compile(r"[A-Za-z][\w./:-]*\w", re.ASCII)
"""What may be text without quotes in YAML, but for its words such as `true`."""


def pages(root: Path = ROOT) -> list[Path]:
    """Both halves of every page."""
    texts = sorted((root / "book" / "questions").glob("q*.md"))
    return texts + sorted((root / "notebooks").glob("q*.ipynb"))


def read(path: Path) -> str:
    """A file's text with its line ends as they are."""
    with path.open(encoding="utf-8", newline="") as stream:
        return stream.read()


def page_text(text: str, name: str) -> str:
    """The text of half a page that installs cnn50 from ``name``.

    Raises ``ValueError`` where it has no setup cell, or several.
    """
    new, count = CELL.subn(rf"\g<1>\g<2>{name}\g<4>", text)
    if count != 1:
        raise ValueError(f"{count} places that name the repository, not one")
    return new


def config_text(text: str, **wanted: str) -> str:
    """The text of ``_config.yml`` with these keys in ``repository``, in whatever way it is written.

    Raises ``ValueError`` where a change would touch anything else.
    """
    before = yaml.safe_load(text)
    if not isinstance(before, dict):
        raise ValueError("it holds no settings")
    facts = before.get("repository")
    facts = facts if isinstance(facts, dict) else {}
    changes = {key: new for key, new in wanted.items() if str(facts.get(key) or "") != new}
    for key, new in changes.items():
        text = _with_key(text, key, new)
    after = {**before, "repository": {**facts, **changes}} if changes else before
    try:
        held = yaml.safe_load(text) == after
    except yaml.YAMLError:
        held = False
    if not held:
        raise ValueError("its `repository` is written in a way that cannot be changed here")
    return text


def _with_key(text: str, key: str, value: str) -> str:
    """``text`` with ``repository: {key: value}``; the value replaced where it stands."""
    end = "\r\n" if "\r\n" in text else "\n"
    quoted = json.dumps(value, ensure_ascii=False)
    top = yaml.compose(text, Loader=yaml.SafeLoader)
    name, block = _pair(top, "repository") or (None, None)
    if name is None:
        if top.flow_style or text.rstrip().endswith("..."):
            raise ValueError("it has no `repository`: add one")
        return f"{text.rstrip()}{end}{end}repository:{end}  {key}: {quoted}{end}"
    if isinstance(block, yaml.ScalarNode) and block.tag == "tag:yaml.org,2002:null":
        start, stop = _span(text, name, block)
        return f"{text[:start]} {{{key}: {quoted}}}{text[stop:]}"
    if not isinstance(block, yaml.MappingNode):
        raise ValueError("its `repository` holds no settings")
    word, node = _pair(block, key) or (None, None)
    if isinstance(node, yaml.ScalarNode):
        start, stop = _span(text, word, node)
        plain = node.style is None and node.value and PLAIN.fullmatch(value)
        plain = plain and yaml.safe_load(value) == value
        return f"{text[:start]} {value if plain else quoted}{text[stop:]}"
    if node is not None:
        raise ValueError(f"its `repository` has a {key} that is no text")
    start = block.start_mark.index
    if block.flow_style:
        comma = ", " if block.value else ""
        return f"{text[: start + 1]}{key}: {quoted}{comma}{text[start + 1 :]}"
    indent = " " * block.start_mark.column
    return f"{text[:start]}{key}: {quoted}{end}{indent}{text[start:]}"


def _span(text: str, word: Any, node: Any) -> tuple[int, int]:
    """From behind the colon of a key to the end of its value, which may be nothing."""
    start = text.index(":", word.end_mark.index) + 1
    written = text[start : max(start, node.end_mark.index)]
    return start, start + len(written.rstrip()) if node.value or node.style else start


def _pair(node: Any, key: str) -> tuple[Any, Any] | None:
    """The nodes of a key and its value in a mapping."""
    if isinstance(node, yaml.MappingNode):
        for word, value in node.value:
            if isinstance(word, yaml.ScalarNode) and word.value == key:
                return word, value
    return None


def new_texts(name: str, branch: str, root: Path = ROOT) -> dict[Path, str]:
    """The new text of every file that must change. Raises ``ValueError`` with all that is amiss."""
    config = root / "_config.yml"
    wanted = {"url": f"https://github.com/{name}", "branch": branch} if name else {"url": ""}
    texts, amiss = {}, []
    for path in [*pages(root), config]:
        try:
            old = read(path)
            new = config_text(old, **wanted) if path == config else page_text(old, name)
        except (ValueError, OSError, yaml.YAMLError) as error:
            amiss.append(f"{path.relative_to(root)}: {error}.")
            continue
        if new != old:
            texts[path] = new
    if amiss:
        raise ValueError("\n".join([*amiss, "Nothing was changed."]))
    return texts


def publish_as(name: str, root: Path = ROOT, branch: str = "") -> list[Path]:
    """Set the repository to ``owner/name``, or to none where empty; returns the changed files.

    The branch is, where none is given, the one that git knows, else the one that is set.
    Raises ``ValueError`` for a name that GitHub would not take, and where a file cannot be changed.
    """
    if name and not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is not owner/name.")
    branch = branch or which_branch(root)
    if not BRANCH.fullmatch(branch):
        raise ValueError(f"{branch!r} is no name of a branch.")
    texts = new_texts(name, branch, root)
    write_all(texts)
    return list(texts)


def which_branch(root: Path = ROOT) -> str:
    """The branch that git knows, else the one in ``_config.yml``, else main."""
    return git_branch(root) or configured(root)[1] or "main"


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="make publish-as", description=__doc__)
    parser.add_argument("name", help='owner/name on GitHub, or "" to name none')
    parser.add_argument("--branch", default="", help="its branch; taken from git where not given")
    parser.add_argument("--root", type=Path, default=ROOT, help="the book, where it is not this")
    options = parser.parse_args(arguments)
    given = options.name.strip()
    name = name_in(given) or given
    try:
        branch = options.branch or which_branch(options.root)
        changed = publish_as(name, options.root, branch)
    except (ValueError, OSError, yaml.YAMLError) as error:
        print(error, file=sys.stderr)
        return 1
    where = f"{name}, branch {branch}" if name else "no repository"
    print(f"The pages now name {where}: {len(changed)} files changed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
