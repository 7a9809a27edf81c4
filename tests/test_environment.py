"""The environment: make installs under any setting of pip, says where it looked, and heals."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import ROOT, environment

pytestmark = pytest.mark.skipif(
    os.name != "posix" or not shutil.which("make"), reason="needs make, and bin/ in .venv"
)

# Stands for uv: notes how it was called, and fails where it is told to.
FAKE_UV = """
import json, os, sys
told = {k: v for k, v in os.environ.items() if k.startswith(("UV_", "SSL_", "HTTP", "PYTHONPATH"))}
with open(os.environ["FAKE_LOG"], "a") as log:
    log.write(json.dumps([sys.argv[1:], told]) + "\\n")
sys.exit(int(os.environ.get("FAKE_EXIT", 0)))
"""


class Copy:
    """A book in a folder of its own, with a home of its own and an index for its packages."""

    def __init__(self, folder: Path):
        self.root, self.home, self.index = folder / "a book", folder / "home", folder / "index"
        for part in (self.home, self.index / "uv", self.root / "tools" / "site"):
            part.mkdir(parents=True)
        shutil.copy(ROOT / "Makefile", self.root)
        shutil.copy(ROOT / "tools" / "environment.py", self.root / "tools")
        for name in ("", "site/"):
            (self.root / "tools" / f"{name}__init__.py").touch()
        (self.root / "tools" / "site" / "build.py").write_text("print('The site is built')\n")
        (self.root / "requirements.txt").write_text("numpy==2.1.3\n")
        (self.root / "pyproject.toml").write_text("[project]\n")
        name, version = environment.UV.split("==")
        wheel = self.index / "uv" / f"{name}-{version}-py3-none-any.whl"
        facts = f"{name}-{version}.dist-info"
        with zipfile.ZipFile(wheel, "w") as file:
            file.writestr("uv/__init__.py", "")
            file.writestr("uv/__main__.py", FAKE_UV)
            about = f"Metadata-Version: 2.1\nName: uv\nVersion: {version}\n"
            file.writestr(f"{facts}/METADATA", about)
            kind = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            file.writestr(f"{facts}/WHEEL", kind)
            file.writestr(f"{facts}/RECORD", "")
        (self.index / "uv" / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
        self.log = folder / "log"

    @property
    def url(self) -> str:
        return self.index.as_uri()

    def bare(self) -> None:
        """As if nothing had been installed yet, in a .venv that is whole."""
        for stamp in self.root.glob(".venv/for-*"):
            stamp.unlink()
        for part in self.root.glob(".venv/lib/*/site-packages/uv*"):
            shutil.rmtree(part)
        self.log.unlink(missing_ok=True)
        shutil.rmtree(self.home)
        (self.home / ".config" / "pip").mkdir(parents=True)
        self.configure("")

    def configure(self, more: str, index: bool = True) -> None:
        """Write pip.conf."""
        text = f"[global]\n{f'index-url = {self.url}' if index else ''}\n{more}\n"
        (self.home / ".config" / "pip" / "pip.conf").write_text(text)

    def make(self, *arguments: str, status: int = 0, **more: str) -> str:
        """Call make with an environment of its own; what it says."""
        known = {"PATH": os.environ["PATH"], "HOME": str(self.home), "FAKE_LOG": str(self.log)}
        known |= {"XDG_CONFIG_DIRS": str(self.home), "PYTHONDONTWRITEBYTECODE": "1"}
        command = ["make", *(arguments or ("book",)), f"PYTHON={sys.executable}"]
        done = subprocess.run(
            command, cwd=self.root, env=known | more, capture_output=True, text=True, check=False
        )
        assert (done.returncode != 0) == bool(status), done.stdout + done.stderr
        if not status and not arguments:
            assert "The site is built" in done.stdout
        return done.stdout + done.stderr

    def uv(self) -> list[tuple[list[str], dict[str, str]]]:
        """How uv was called: arguments and variables."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    """One environment for all tests, since each takes seconds to make."""
    copy = Copy(tmp_path_factory.mktemp("environment"))
    copy.bare()
    assert "Making .venv with Python" in copy.make()
    return copy


@pytest.fixture
def copy(whole: Copy) -> Copy:
    whole.bare()
    return whole


def test_what_is_installed_is_not_installed_again(copy: Copy) -> None:
    assert "Installing what the site is built with" in copy.make()
    arguments = copy.uv()[0][0]
    assert arguments[:2] == ["pip", "install"]
    assert arguments[-4:] == ["--constraint", "requirements.txt", "--editable", ".[book]"]
    assert "Installing" not in copy.make() and len(copy.uv()) == 1

    (copy.root / "requirements.txt").write_text("numpy==2.2.0\n")
    assert "Installing" in copy.make()
    assert "Installing" not in copy.make()
    (copy.root / "requirements.txt").touch()
    assert "Installing" not in copy.make(), "the same lock with another date"


def test_the_larger_environment_holds_the_smaller(copy: Copy) -> None:
    copy.make(".venv/for-test")
    assert copy.uv()[0][0][-1] == ".[run,book,test]"
    assert "Installing" not in copy.make()


@pytest.mark.parametrize(
    "variables",
    [
        {"PIP_USER": "1", "PIP_DRY_RUN": "1", "PIP_REQUIRE_HASHES": "1"},
        {"PIP_TARGET": "/nowhere/else", "PYTHONPATH": "/nowhere/else", "UV_SYSTEM_PYTHON": "1"},
        {"PIP_PREFIX": "/nowhere/else"},
    ],
    ids=str,
)
def test_variables_that_lead_pip_astray(copy: Copy, variables: dict[str, str]) -> None:
    copy.make(**variables)
    assert list(copy.root.glob(".venv/lib/*/site-packages/uv/__main__.py"))
    assert len(copy.uv()) == 1
    assert "UV_SYSTEM_PYTHON" not in copy.uv()[0][1] and "PYTHONPATH" not in copy.uv()[0][1]


@pytest.mark.parametrize(
    "setting",
    [
        "user = true\ndry-run = true\nrequire-hashes = true",
        "target = {home}/elsewhere",
        "prefix = {home}/elsewhere\nroot = {home}/elsewhere",
        "[install]\nuser = yes",
    ],
)
def test_settings_that_lead_pip_astray(copy: Copy, setting: str) -> None:
    copy.configure(setting.format(home=copy.home))
    copy.make()
    assert list(copy.root.glob(".venv/lib/*/site-packages/uv/__main__.py"))
    assert not (copy.home / "elsewhere").exists() and len(copy.uv()) == 1


def test_uv_asks_where_pip_asks(copy: Copy) -> None:
    """The index stands in pip.conf only: without it neither uv nor anything else can be had."""
    links = copy.home / "links"
    links.mkdir()
    copy.configure(
        "extra-index-url = https://a.example.org/simple\n"
        f"  https://b.example.org/simple {copy.url}\n"
        f"find-links = {links} {copy.home}/gone\ntrusted-host = h.example.org i.example.org:8080\n"
        f"cert = {copy.home}/ca.pem\nproxy = p.example.org:3128\ntimeout = 77"
    )
    told = handed_on(copy)
    assert told["UV_DEFAULT_INDEX"] == copy.url
    asked = f"https://a.example.org/simple https://b.example.org/simple {copy.url}"
    assert told["UV_INDEX"] == asked and told["UV_INDEX_STRATEGY"] == "unsafe-best-match"
    assert told["UV_FIND_LINKS"] == str(links), "a folder that is gone is passed over, as pip does"
    assert told["UV_INSECURE_HOST"] == "h.example.org i.example.org:8080"
    assert told["SSL_CERT_FILE"] == f"{copy.home}/ca.pem" and told["UV_HTTP_TIMEOUT"] == "77"
    assert told["HTTPS_PROXY"] == "http://p.example.org:3128"


def handed_on(copy: Copy, **variables: str) -> dict[str, str]:
    """What uv would be told, without an installation."""
    code = "import json, environment as e; print(json.dumps(e.for_uv(e.ROOT)))"
    known = {"HOME": str(copy.home), "XDG_CONFIG_DIRS": str(copy.home), "PATH": os.environ["PATH"]}
    folder = copy.root / "tools"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=known | variables, capture_output=True
    )
    told, more, where = json.loads(done.stdout)
    return {**told, "options": " ".join(more), "where": where}


def test_the_installation_hands_the_index_on(copy: Copy) -> None:
    copy.make()
    assert copy.uv()[0][1]["UV_DEFAULT_INDEX"] == copy.url
    copy.bare()
    copy.configure("", index=False)
    copy.make(PIP_INDEX_URL=copy.url)
    assert copy.uv()[0][1]["UV_DEFAULT_INDEX"] == copy.url
    copy.make("lock", PIP_INDEX_URL=copy.url)
    arguments, told = copy.uv()[-1]
    assert arguments[:2] == ["pip", "compile"] and told["UV_DEFAULT_INDEX"] == copy.url


def test_a_folder_of_packages_and_no_index(copy: Copy) -> None:
    copy.configure(f"no-index = true\nfind-links = {copy.index / 'uv'}", index=False)
    copy.make()
    arguments, told = copy.uv()[0]
    assert "--no-index" in arguments and told["UV_FIND_LINKS"] == str(copy.index / "uv")


def test_what_is_set_for_uv_comes_first(copy: Copy) -> None:
    told = handed_on(copy, UV_INDEX_URL="https://u.example.org")
    assert "UV_DEFAULT_INDEX" not in told and "UV_INDEX_URL" in told["where"]
    (copy.home / ".config" / "uv").mkdir()
    file = copy.home / ".config" / "uv" / "uv.toml"
    file.write_text('[[index]]\nurl = "https://u.example.org"\n')
    told = handed_on(copy)
    assert "UV_DEFAULT_INDEX" not in told and str(file) in told["where"]
    file.write_text("# index\noffline = false\n")
    assert handed_on(copy)["UV_DEFAULT_INDEX"] == copy.url


def test_without_pips_settings_nothing_is_set(copy: Copy) -> None:
    copy.configure("", index=False)
    told = handed_on(copy)
    assert not [key for key in told if key.startswith("UV_")]
    assert "uv looked at https://pypi.org" in told["where"]


def test_a_failed_installation_says_where_it_looked_and_heals(copy: Copy) -> None:
    said = copy.make(status=2, FAKE_EXIT="1")
    assert "The installation failed" in said and copy.url in said and "UV_DEFAULT_INDEX" in said
    assert "The site is built" not in said
    assert "Installing" in copy.make()


def test_no_password_is_printed(copy: Copy) -> None:
    copy.configure("extra-index-url = https://me:secret@a.example.org/simple")
    where = handed_on(copy)["where"]
    assert "secret" not in where and "***@a.example.org" in where
    copy.configure("index-url = https://me:secret@127.0.0.1:9/simple\nretries = 0", index=False)
    said = copy.make(status=2)
    assert "pip could not install uv" in said
    assert "secret" not in said.partition("pip's settings")[2]
    assert "index-url = https://***@127.0.0.1:9/simple" in said


def no_pip(venv: Path) -> None:
    for part in venv.glob("lib/*/site-packages/pip*"):
        shutil.rmtree(part)


def another_version(venv: Path) -> None:
    python = venv / "bin" / "python"
    python.unlink()
    python.write_text("#!/bin/sh\necho 3 10\n")
    python.chmod(0o755)


def gone(venv: Path) -> None:
    python = venv / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3.12")


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (no_pip, "it was half made: it has no pip"),
        (another_version, "it is of Python 3.10"),
        (gone, "its Python is gone"),
    ],
)
def test_an_environment_of_no_use_is_made_anew(
    copy: Copy, harm: Callable[[Path], None], why: str
) -> None:
    copy.make()
    harm(copy.root / ".venv")
    said = copy.make()
    assert f"Making .venv anew, since {why}" in said and "Installing" in said
    assert "Making" not in copy.make()


def test_a_folder_that_is_no_environment_is_left_alone(copy: Copy) -> None:
    venv, aside = copy.root / ".venv", copy.root / "aside"
    venv.rename(aside)
    try:
        venv.mkdir()
        (venv / "notes").write_text("mine")
        assert "is no Python environment: move it away" in copy.make(status=2)
        assert (venv / "notes").read_text() == "mine"
        shutil.rmtree(venv)
    finally:
        aside.rename(venv)


def test_a_book_that_moved_is_installed_again(copy: Copy) -> None:
    copy.make()
    copy.root.rename(copy.root.with_name("moved"))
    copy.root = copy.root.with_name("moved")
    try:
        assert "Installing" in copy.make()
    finally:
        copy.root.rename(copy.root.with_name("a book"))
        copy.root = copy.root.with_name("a book")


@pytest.mark.parametrize("version", [(3, 10), (3, 14)])
def test_a_python_that_is_too_old_or_too_new_is_told(
    copy: Copy, version: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment.sys, "version_info", (*version, 0))
    with pytest.raises(environment.Failed, match=f"this is {version[0]}.{version[1]}"):
        environment.prepare(copy.home)


def test_no_ensurepip_is_told_and_the_next_call_tries_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []

    def half(command: list, **_: object) -> subprocess.CompletedProcess:
        if "venv" in command:
            made.append(command)
            (tmp_path / ".venv" / "bin").mkdir(parents=True, exist_ok=True)
            (tmp_path / ".venv" / "pyvenv.cfg").touch()
            return subprocess.CompletedProcess(command, 1)
        return subprocess.CompletedProcess(command, 1, "", "No module named 'pip'")

    monkeypatch.setattr(environment.subprocess, "run", half)
    for _ in range(2):
        with pytest.raises(environment.Failed, match="-venv is needed"):
            environment.prepare(tmp_path)
    assert len(made) == 2 and all("--clear" in command for command in made)
