"""A copy of the book that is published: its buttons and links lead somewhere, or are not there."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from fake_project import make_project, page_of

from tools import ROOT
from tools.pages import notebooks
from tools.site import colab_files, publish_as
from tools.site.repository import Repository, find, installs_from, name_in

needs_git = pytest.mark.skipif(not shutil.which("git"), reason="needs git")
CONFIG = """\
# A comment: repository
title: "A book"   # another
repository:
  url: ""
  branch: main
html:
  favicon: a.svg
"""


@pytest.fixture
def book(tmp_path: Path) -> Path:
    """A book with two pages, of which one has a notebook; no repository is set."""
    page = page_of(make_project(tmp_path / "book"))
    notebooks.store(page, notebooks.fresh_notebook(page))
    (page.root / "_config.yml").write_text(CONFIG)
    return page.root


def git(folder: Path, *arguments: str) -> None:
    command = ["git", "-c", "user.name=n", "-c", "user.email=e@example.org", *arguments]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def checkout(folder: Path, origin: str, branch: str = "main") -> None:
    """Make a folder a repository with one commit."""
    git(folder, "init", "-q", "-b", branch)
    git(folder, "remote", "add", "origin", origin)
    git(folder, "add", ".")
    git(folder, "commit", "-qm", "a")


def content(root: Path) -> dict[str, bytes]:
    files = (p for p in root.rglob("*") if p.is_file() and ".git" not in p.parts)
    return {str(path.relative_to(root)): path.read_bytes() for path in files}


# ---- what an address means


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/o-1/n.m_2",
        "https://github.com/o-1/n.m_2.git",
        "https://github.com/o-1/n.m_2/",
        "http://www.GitHub.com/o-1/n.m_2",
        "https://user:token@github.com/o-1/n.m_2.git",
        "https://github.com:443/o-1/n.m_2",
        "git@github.com:o-1/n.m_2.git",
        "github.com:o-1/n.m_2",
        "ssh://git@github.com/o-1/n.m_2.git",
        "ssh://git@ssh.github.com:443/o-1/n.m_2.git",
        "git://github.com/o-1/n.m_2.git",
    ],
)
def test_github_in_all_its_forms(address: str) -> None:
    assert name_in(address) == "o-1/n.m_2"


@pytest.mark.parametrize(
    "address",
    [
        "",
        "https://notgithub.com/o/n",
        "https://github.com.example.org/o/n",
        "https://github.community/o/n",
        "https://example.org/github.com/o/n",
        "https://example.org/?https://github.com/o/n",
        "https://github.com@example.org/o/n",
        "git@example.org:github.com/o/n",
        "git@mygithub.com:o/n.git",
        "https://gitlab.com/o/n",
        "https://gist.github.com/o/n",
        "/home/me/github.com/o/n",
        "../github.com:o/n",
        "https://github.com/o",
        "https://github.com/o/..",
        "https://github.com/o/n/tree/main",
    ],
)
def test_what_is_not_a_repository_on_github(address: str) -> None:
    assert name_in(address) == ""


# ---- which repository the buttons open


def test_no_repository_no_button(book: Path) -> None:
    found = find(book)
    assert found.name == "" and "No Colab buttons" in found.about and "publish-as" in found.about


@needs_git
def test_a_remote_that_the_notebooks_do_not_name(book: Path) -> None:
    checkout(book, "git@github.com:o/n.git")
    found = find(book)
    assert found.name == ""
    assert "the repository is o/n" in found.about and "make publish-as REPO=o/n" in found.about


@needs_git
@pytest.mark.parametrize("branch", ["main", "master", "trunk", "feature/x"])
def test_a_remote_that_the_notebooks_name(book: Path, branch: str) -> None:
    publish_as.publish_as("o/n", book)
    (book / "_config.yml").write_text(CONFIG)
    checkout(book, "https://github.com/o/n", branch)
    assert find(book) == Repository(
        "o/n", branch, f"Colab buttons open o/n, branch {branch} (from the git remote origin)."
    )


@needs_git
def test_one_notebook_that_names_another(book: Path) -> None:
    publish_as.publish_as("o/n", book)
    assert find(book).name == "o/n"
    path = next((book / "notebooks").glob("q*.ipynb"))
    path.write_text(path.read_text().replace("o/n", "o/other"))
    found = find(book)
    assert found.name == "" and "o/other" in found.about


@needs_git
@pytest.mark.parametrize("origin", ["https://notgithub.com/o/n", "https://gitlab.com/o/n.git"])
def test_a_remote_elsewhere(book: Path, origin: str) -> None:
    publish_as.publish_as("o/n", book)
    (book / "_config.yml").write_text(CONFIG)
    checkout(book, origin)
    assert find(book).name == ""


@needs_git
@pytest.mark.parametrize("hook", [False, True])
def test_a_book_inside_another_repository(
    book: Path, hook: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_as.publish_as("o/n", book)
    (book / "_config.yml").write_text(CONFIG)
    checkout(book.parent, "https://github.com/o/n", "trunk")
    if hook:  # git sets these for a hook, and then answers for that repository everywhere
        monkeypatch.setenv("GIT_DIR", str(book.parent / ".git"))
        monkeypatch.setenv("GIT_WORK_TREE", str(book))
    assert find(book).name == ""
    assert publish_as.which_branch(book) == "main", "the other repository's branch is not ours"


@needs_git
def test_the_branch_is_the_one_that_origin_shows(book: Path, tmp_path: Path) -> None:
    publish_as.publish_as("o/n", book)
    (book / "_config.yml").write_text(CONFIG)
    checkout(book, "https://github.com/o/n", "master")
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "-q", str(book), str(clone))
    git(clone, "remote", "set-url", "origin", "https://github.com/o/n")
    git(clone, "switch", "-qc", "mine")
    assert find(clone).branch == "master"
    git(clone, "remote", "set-head", "origin", "--delete")
    assert find(clone).branch == "master", "the only branch that origin has"
    git(clone, "switch", "-q", "--detach")
    assert find(clone).branch == "master"
    publish_as.publish_as("o/n", clone)
    assert yaml.safe_load((clone / "_config.yml").read_text())["repository"]["branch"] == "master"


@needs_git
def test_a_branch_that_is_not_the_default_is_told(book: Path, tmp_path: Path) -> None:
    publish_as.publish_as("o/n", book, "release")
    checkout(book, "https://github.com/o/n", "master")
    git(tmp_path, "clone", "-q", str(book), "clone")
    git(tmp_path / "clone", "remote", "set-url", "origin", "https://github.com/o/n")
    found = find(tmp_path / "clone")
    assert found.branch == "release"
    assert "The default branch of origin is master" in found.about


def test_git_that_is_missing_is_no_error(book: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert find(book).name == ""


# ---- make publish-as

SHAPES = {
    "single quotes": CONFIG.replace('""', "''"),
    "nothing": CONFIG.replace(' ""', ""),
    "nothing but a comment": CONFIG.replace('""', "# fill in"),
    "no quotes": CONFIG.replace('""', "https://github.com/a/b"),
    "a tilde": CONFIG.replace('""', "~"),
    "four blanks": CONFIG.replace("  url", "    url").replace("  branch", "    branch"),
    "a comment behind": CONFIG.replace('""', '""   # the address'),
    "a comment above": CONFIG.replace("  url", "  # the address\n  url"),
    "the other order": CONFIG.replace('  url: ""\n  branch: main', '  branch: main\n  url: ""'),
    "a blank line": CONFIG.replace("repository:\n", "repository:\n\n"),
    "braces": CONFIG.replace('\n  url: ""\n  branch: main', ' {url: "", branch: main}'),
    "empty braces": CONFIG.replace('\n  url: ""\n  branch: main', " {}"),
    "braces over lines": CONFIG.replace(
        '\n  url: ""\n  branch: main', ' {\n  branch: main,\n  url: ""\n}'
    ),
    "quoted keys": CONFIG.replace("  url:", '  "url":').replace("repository:\n", "'repository':\n"),
    "no branch": CONFIG.replace("  branch: main\n", ""),
    "no address": CONFIG.replace('  url: ""\n', ""),
    "no keys": CONFIG.replace('\n  url: ""\n  branch: main', ""),
    "null": CONFIG.replace('\n  url: ""\n  branch: main', " null  # none yet"),
    "no repository": CONFIG.replace('repository:\n  url: ""\n  branch: main\n', ""),
    "at the end": CONFIG.replace('repository:\n  url: ""\n  branch: main\n', "")
    + 'repository:\n  branch: main\n  url: ""',
    "a folded text": CONFIG.replace('""', ">-\n    https://github.com/a/b"),
    "a document's marks": "---\n" + CONFIG,
    "a byte order mark": "\ufeff" + CONFIG,
    "another key": CONFIG.replace("  branch", "  path_to_book: x\n  branch"),
}


@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("config", SHAPES.values(), ids=SHAPES)
def test_every_way_to_write_the_settings(book: Path, config: str, line_end: str) -> None:
    path = book / "_config.yml"
    path.write_bytes(config.replace("\n", line_end).encode())
    before = yaml.safe_load(config)
    assert (
        publish_as.main(["https://github.com/o/n.git", "--branch", "x/y", "--root", str(book)]) == 0
    )
    text = path.read_bytes().decode()
    after = yaml.safe_load(text)
    assert after.pop("repository") == (before.pop("repository", None) or {}) | {
        "url": "https://github.com/o/n",
        "branch": "x/y",
    }
    assert after == before
    assert text.count("#") == config.count("#"), "comments are kept"
    assert text.count("\n") == text.count("\r\n") or line_end == "\n"
    assert find(book).name == "o/n"
    assert publish_as.publish_as("o/n", book, "x/y") == [], "a second time changes nothing"


def test_the_settings_as_they_are_change_by_two_words(book: Path) -> None:
    publish_as.publish_as("o/n", book, "master")
    expected = CONFIG.replace('""', '"https://github.com/o/n"').replace(": main", ": master")
    assert (book / "_config.yml").read_text() == expected
    publish_as.publish_as("", book)
    assert (book / "_config.yml").read_text() == expected.replace("https://github.com/o/n", "")


FAULTY = {
    "a list": CONFIG.replace('\n  url: ""\n  branch: main', " [a]"),
    "a word": CONFIG.replace('\n  url: ""\n  branch: main', " word"),
    "twice": CONFIG + CONFIG,
    "shared with another setting": 'a: &x ""\nrepository:\n  url: *x\n',
    "a list of addresses": CONFIG.replace('""', "[a, b]"),
    "no YAML": "repository: [",
    "empty": "",
    "two documents": CONFIG + "---\n" + CONFIG,
}


@pytest.mark.parametrize("config", FAULTY.values(), ids=FAULTY)
def test_settings_that_cannot_be_changed_change_no_page(
    book: Path, config: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (book / "_config.yml").write_text(config)
    before = content(book)
    assert publish_as.main(["o/n", "--root", str(book)]) == 1
    assert content(book) == before
    assert "_config.yml" in capsys.readouterr().err


def test_all_pages_that_cannot_be_changed_are_told(
    book: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in publish_as.pages(book):
        path.write_text(path.read_text().replace("REPOSITORY = ", "REPO = "))
    before = content(book)
    assert publish_as.main(["o/n", "--root", str(book)]) == 1
    said = capsys.readouterr().err
    assert "q01-addition.md" in said and "q01-addition.ipynb" in said
    assert "Nothing was changed" in said and content(book) == before


def test_a_disk_that_is_full_changes_no_page(
    book: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = content(book)
    move = Path.replace

    def full(self: Path, target: Path) -> Path:
        if self.name == "._config.yml.new":
            raise OSError(28, "disk full")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", full)
    assert publish_as.main(["o/n", "--root", str(book)]) == 1
    assert content(book) == before and "disk full" in capsys.readouterr().err


def test_a_checkout_with_windows_line_ends(book: Path) -> None:
    for path in [*publish_as.pages(book), book / "_config.yml"]:
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    before = content(book)
    changed = publish_as.publish_as("o/n", book)
    assert len(changed) == 3
    assert all(installs_from(path) == "o/n" for path in publish_as.pages(book))
    for path in changed:
        text = path.read_bytes()
        assert text.count(b"\r\n") == text.count(b"\n") > 0
    publish_as.publish_as("", book)
    assert content(book) == before


@pytest.mark.parametrize(
    "name", ["name", "a/b/c", "https://gitlab.com/o/n", "-o/n", "o/n n", "o/.."]
)
def test_names_that_github_would_not_take(book: Path, name: str) -> None:
    before = content(book)
    assert publish_as.main(["--root", str(book), "--", name]) == 1
    assert content(book) == before


@pytest.mark.parametrize("branch", ["a b", "a..b", "/a", "a/", "a.lock", "a:b", 'a"b'])
def test_branches_that_git_would_not_take(book: Path, branch: str) -> None:
    assert publish_as.main(["o/n", "--root", str(book), "--branch", branch]) == 1


def test_what_was_set_is_printed(book: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish_as.main(["git@github.com:o/n.git", "--root", str(book), "--branch", "trunk"])
    assert "The pages now name o/n, branch trunk: 3 files changed." in capsys.readouterr().out


# ---- links in the self-contained files

LINKS = r"""
See [question 1](q01-addition.ipynb), [its [own] part](q01-addition.ipynb#answer "Title"),
[two
lines](<q01-addition.ipynb>), [a page](../book/questions/q01-addition.md), [a folder](../book/) and
[gone](q77-gone.ipynb). ![A picture](../logo.png) [one][Ref], [Ref], [Ref][].
<a class="x" href="q01-addition.ipynb">in HTML</a> [q01-addition.ipynb](q01-addition.ipynb)

[Ref]: q01-addition.ipynb
"""
KEPT = r"""
[evidence](#evidence) [paper](https://example.org/a.ipynb) [mail](mailto:a@b.org) [x](//a.org/b.md)
`[code](q01-addition.ipynb)` ``a ` [code](q01-addition.ipynb)`` $f[i](x.y)$ and $$g[j](x.y)$$
![pasted](attachment:image.png)

```python
[code](q01-addition.ipynb)
```

[web]: https://example.org/q01.ipynb
"""


@pytest.fixture
def linked(book: Path) -> Path:
    (book / "logo.png").write_bytes(b"")
    return book


def test_without_an_address_links_are_words(linked: Path) -> None:
    text = colab_files.with_links(LINKS, colab_files.addresses(linked, Repository()))
    assert text.strip() == (
        "See question 1, its [own] part,\ntwo\nlines, a page, a folder and\n"
        "gone. A picture one, Ref, Ref.\n"
        '<a class="x">in HTML</a> q01-addition.ipynb'
    )


def test_links_lead_to_the_repository(linked: Path) -> None:
    address = colab_files.addresses(linked, Repository("o/n", "x/y"))
    text = colab_files.with_links(LINKS, address)
    at = "https://github.com/o/n/blob/x/y"
    page = f"{at}/notebooks/q01-addition.ipynb"
    for link in (
        f"[question 1]({page})",
        f'[its [own] part]({page}#answer "Title")',
        f"[two\nlines](<{page}>)",
        f"[a page]({at}/book/questions/q01-addition.md)",
        f"[a folder]({at}/book)",
        f"![A picture]({at}/logo.png)",
        f'<a class="x" href="{page}">in HTML</a>',
        f"[q01-addition.ipynb]({page})",
        f"[Ref]: {page}",
        "and\ngone.",
    ):
        assert link in text, link


def test_links_lead_to_the_site_where_its_address_is_set(linked: Path) -> None:
    with (linked / "_config.yml").open("a") as config:
        config.write("  baseurl: https://example.org/cnn\n")
    for repository in (Repository(), Repository("o/n")):
        text = colab_files.with_links(LINKS, colab_files.addresses(linked, repository))
        assert "[question 1](https://example.org/cnn/notebooks/q01-addition.html)" in text


@pytest.mark.parametrize("name", ["", "o/n"])
def test_other_links_code_and_formulas_stay(linked: Path, name: str) -> None:
    address = colab_files.addresses(linked, Repository(name))
    assert colab_files.with_links(KEPT, address) == KEPT


@pytest.mark.parametrize("name", ["", "o/n"])
def test_no_file_of_the_book_has_a_dead_link(name: str, tmp_path: Path) -> None:
    import nbformat

    written = colab_files.write_all(ROOT, tmp_path, Repository(name))
    assert len(written) == len(list((ROOT / "notebooks").glob("q*.ipynb")))
    for path in written:
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "markdown":
                again = colab_files.with_links(cell.source, lambda target: "dead")
                assert again == cell.source, path


def test_the_files_are_written_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = sorted(path.name for path in (ROOT / "notebooks").glob("q*.ipynb"))
    (tmp_path / names[0]).write_text("old")
    move = Path.replace

    def full(self: Path, target: Path) -> Path:
        if self.name == f".{names[-1]}.new":
            raise OSError(28, "disk full")
        return move(self, target)

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="disk full"):
        colab_files.write_all(ROOT, tmp_path, Repository())
    assert content(tmp_path) == {names[0]: b"old"}
