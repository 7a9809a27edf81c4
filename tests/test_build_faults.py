"""A build of the site that fails or is interrupted leaves the old site whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.site import build
from tools.site.repository import Repository


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """The folder of a site that was built before."""
    folder = tmp_path / "_build" / "html"
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("old")
    (folder / "searchindex.js").write_text("")
    return folder


def new_site(root: Path, folder: Path, repository: Repository) -> Path:
    """Stands for Sphinx, and builds a site of one page."""
    site = folder / "_build" / "html"
    site.mkdir(parents=True)
    (site / "index.html").write_text("new")
    return site


def build_over(output: Path, monkeypatch: pytest.MonkeyPatch, sphinx: object = new_site) -> None:
    monkeypatch.setattr(build, "run_sphinx", sphinx)
    monkeypatch.setattr(build.colab_files, "write_all", lambda *places: None)
    build.build(output.parent.parent, output)


def is_old_and_alone(output: Path) -> bool:
    whole = (output / "index.html").read_text() == "old"
    return whole and [path.name for path in output.parent.iterdir()] == ["html"]


def test_a_new_site_takes_the_place_of_the_old(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_over(output, monkeypatch)
    assert (output / "index.html").read_text() == "new"
    assert [path.name for path in output.parent.iterdir()] == ["html"]


@pytest.mark.parametrize("error", [build.BuildFailed("no"), KeyboardInterrupt(), OSError(28)])
def test_a_build_that_ends_half_way(
    output: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    def half(root: Path, folder: Path, repository: Repository) -> Path:
        new_site(root, folder, repository)
        raise error

    with pytest.raises(type(error)):
        build_over(output, monkeypatch, half)
    assert is_old_and_alone(output)


def test_an_interruption_between_the_old_site_and_the_new(
    output: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    move = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if (self / "index.html").read_text() == "new":
            raise KeyboardInterrupt
        return move(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(KeyboardInterrupt):
        build_over(output, monkeypatch)
    assert is_old_and_alone(output)


def test_a_folder_that_is_no_site_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("my own page")
    with pytest.raises(build.BuildFailed, match="not replaced"):
        build.build(tmp_path, tmp_path)
    assert (tmp_path / "index.html").read_text() == "my own page"
