"""Makes ``.venv`` and installs in it what the book needs; the Makefile calls it first.

``python tools/environment.py book`` (or ``test``) does nothing where all is installed. An
environment that is half made, of another Python, or whose Python is gone is made anew, so that what
went wrong once does not stay wrong. ``python tools/environment.py uv ...`` runs uv as the
installation does.

It runs before anything is installed, and so needs nothing but Python.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

ROOT = Path(__file__).resolve().parent.parent
LOWEST, HIGHEST = (3, 11), (3, 13)
UV = "uv==0.13.9"
"""It holds every package to its sha256 in the lock, which pip cannot do beside an editable one."""

EXTRAS = {"book": "book", "test": "run,book,test"}
ABOUT = {"book": "what the site is built with", "test": "everything the notebooks and tests need"}
ASK = "import sys, pip; print(*sys.version_info[:2])"

# What would lead pip or uv to another place than .venv, or to install nothing.
ASTRAY = (
    *("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_DRY_RUN", "PIP_REQUIRE_HASHES"),
    *("UV_PYTHON", "UV_SYSTEM_PYTHON", "UV_REQUIRE_HASHES", "UV_PROJECT", "UV_WORKING_DIR"),
    *("UV_NO_EDITABLE", "PYTHONHOME", "PYTHONPATH"),
)
INDEX_SETTINGS = ("UV_DEFAULT_INDEX", "UV_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL")
TRUE = ("1", "true", "yes", "on", "y", "t")


class Failed(Exception):
    """The environment could not be made; the message says what to do."""


def main(arguments: list[str], root: Path = ROOT) -> int:
    """Command line."""
    try:
        with alone(root):
            if arguments[:1] == ["uv"]:
                prepare(root)
                get_uv(root)
            else:
                install(root, arguments[0])
                return 0
        return run(root, "-m", "uv", *arguments[1:], environment=for_uv(root)[0])
    except Failed as failure:
        print(f"\n{failure}", file=sys.stderr)
        return 1


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Two calls of make at a time install one after the other."""
    try:
        import fcntl
    except ImportError:  # no POSIX
        yield
        return
    (root / ".cache").mkdir(exist_ok=True)
    with (root / ".cache" / "environment.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def python_of(root: Path) -> Path:
    """The environment's Python."""
    return root / ".venv" / "bin" / "python"


def run(root: Path, *arguments: str, environment: dict[str, str] | None = None) -> int:
    """Run the environment's Python; its exit status."""
    command = [str(python_of(root)), *arguments]
    return subprocess.run(command, cwd=root, env=environment, check=False).returncode


def install(root: Path, what: str) -> None:
    """Bring ``.venv`` up to what the lock says. Raises ``Failed``."""
    stamp, wanted = root / ".venv" / f"for-{what}", state(root)
    problem = trouble(root)
    if not problem and stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return
    prepare(root)
    stamp.unlink(missing_ok=True)
    print(f"Installing {ABOUT[what]} (the first time this takes a few minutes) ...", flush=True)
    get_uv(root)
    environment, more, told = for_uv(root)
    packages = ["--constraint", "requirements.txt", "--editable", f".[{EXTRAS[what]}]"]
    command = ["-m", "uv", "pip", "install", "--python", str(python_of(root)), *more, *packages]
    if run(root, *command, environment=environment):
        raise Failed(
            "The installation failed; the lines above say which package could not be had, or was "
            f"not what the lock names.\n{told} Without a network it needs a mirror or a folder of "
            "packages, set for pip or for uv."
        )
    stamp.write_text(wanted, encoding="utf-8")
    if what == "test":
        (root / ".venv" / "for-book").write_text(wanted, encoding="utf-8")


def state(root: Path) -> str:
    """Changes with the lock and the folder: an installation belongs to both."""
    digest = hashlib.sha256(str(root).encode())
    for name in ("requirements.txt", "pyproject.toml"):
        digest.update((root / name).read_bytes())
    return digest.hexdigest()


def trouble(root: Path) -> str:
    """Why ``.venv`` is of no use; empty where it is."""
    if not (root / ".venv").exists():
        return "there is none"
    try:
        done = subprocess.run(
            [python_of(root), "-c", ASK], capture_output=True, text=True, check=False
        )
    except OSError:
        return "its Python is gone"
    found = re.match(r"(\d+) (\d+)\s*$", done.stdout)
    if done.returncode or not found:
        return "it was half made: it has no pip" if "pip" in done.stderr else "its Python fails"
    version = (int(found[1]), int(found[2]))
    return "" if LOWEST <= version <= HIGHEST else f"it is of Python {version[0]}.{version[1]}"


def prepare(root: Path) -> None:
    """Make ``.venv`` where it is of no use. Raises ``Failed``."""
    problem = trouble(root)
    if not problem:
        return
    here = ".".join(map(str, sys.version_info[:2]))
    if not LOWEST <= sys.version_info[:2] <= HIGHEST:
        raise Failed(
            f"The book needs Python 3.11, 3.12 or 3.13, and this is {here}. Install one, or name "
            "it: make PYTHON=/path/to/python3.12 ..."
        )
    folder = root / ".venv"
    if folder.exists():
        is_one = (folder / "pyvenv.cfg").exists() or (folder / "bin").exists()
        if not folder.is_dir() or (any(folder.iterdir()) and not is_one):
            raise Failed(f"{folder} is no Python environment: move it away, and make makes one.")
        print(f"Making .venv anew, since {problem} (Python {here})", flush=True)
    else:
        print(f"Making .venv with Python {here}", flush=True)
    base = getattr(sys, "_base_executable", "") or sys.executable  # .venv itself may be active
    kept = {key: value for key, value in os.environ.items() if key not in ASTRAY}
    command = [base, "-m", "venv", "--clear", str(folder)]
    if subprocess.run(command, env=kept, check=False).returncode or trouble(root):
        raise Failed(
            f"{base} could not make .venv; the lines above say why. On Debian and Ubuntu the "
            f"package python{here}-venv is needed. The next make tries again."
        )


def get_uv(root: Path) -> None:
    """Install uv with pip, in ``.venv`` wherever pip is set to install. Raises ``Failed``."""
    if is_installed(root, *UV.split("==")):
        return
    environment = {key: value for key, value in os.environ.items() if key not in ASTRAY}
    environment |= {"PIP_USER": "0", "PIP_DRY_RUN": "0", "PIP_REQUIRE_HASHES": "0"}
    settings = pip_settings(root, environment)
    places = {"target": "--target=", "prefix": f"--prefix={root / '.venv'}", "root": "--root=/"}
    more = [place for key, place in places.items() if settings.get(key)]
    command = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", *more, UV]
    if run(root, *command, environment=environment):
        shown = [f"{key} = {hidden(value)}" for key, value in sorted(settings.items())]
        raise Failed(
            f"pip could not install {UV}; the lines above say why. The first installation needs a "
            "network, or a mirror that pip knows.\n"
            f"pip's settings (pip config list): {'; '.join(shown) or 'none'}."
        )


def is_installed(root: Path, name: str, version: str) -> bool:
    """Whether this version of a package is in ``.venv``."""
    ask = f"from importlib.metadata import version; print(version({name!r}))"
    command = [python_of(root), "-c", ask]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() == version


def pip_settings(root: Path, environment: dict[str, str] | None = None) -> dict[str, str]:
    """What is set for ``pip install``, in its files and by PIP_ variables."""
    command = [python_of(root), "-m", "pip", "config", "list", "--disable-pip-version-check"]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    except OSError:  # there is no .venv
        return {}
    found: dict[str, dict[str, str]] = {"global": {}, "install": {}, ":env:": {}}
    for line in (done.stdout or "").splitlines():
        match = re.match(r"(global|install|:env:)\.([\w-]+)=(.+)$", line)
        if match:
            with contextlib.suppress(ValueError, SyntaxError):
                value = str(ast.literal_eval(match[3])).strip()
                if value:  # pip takes an empty one for none
                    found[match[1]][match[2].replace("_", "-")] = value
    return {**found["global"], **found["install"], **found[":env:"]}


def for_uv(root: Path) -> tuple[dict[str, str], list[str], str]:
    """(environment, options, one sentence on where uv looks), from what is set for uv or else pip.

    uv does not read pip's settings: without this, a mirror that only pip knows would not be asked.
    """
    environment = {key: value for key, value in os.environ.items() if key not in ASTRAY}
    settings = pip_settings(root, environment)
    more: list[str] = []
    given = {
        "SSL_CERT_FILE": settings.get("cert", ""),
        "SSL_CLIENT_CERT": settings.get("client-cert", ""),
        "UV_INSECURE_HOST": " ".join(settings.get("trusted-host", "").split()),
        "UV_HTTP_TIMEOUT": settings.get("timeout", settings.get("default-timeout", "")),
        "UV_KEYRING_PROVIDER": settings.get("keyring-provider", "").replace("auto", ""),
    }
    if proxy := settings.get("proxy", ""):
        proxy = proxy if "://" in proxy else f"http://{proxy}"
        given |= {"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy}
    own = [key for key in INDEX_SETTINGS if environment.get(key)] or uv_files(environment)
    if own:
        told = f"uv looked where {own[0]} says."
    else:
        links = [link for link in settings.get("find-links", "").split() if is_there(link)]
        extra = [link for link in settings.get("extra-index-url", "").split() if is_there(link)]
        if settings.get("no-index", "").lower() in TRUE:
            more, extra = ["--no-index"], []
        given |= {
            "UV_DEFAULT_INDEX": "" if more else settings.get("index-url", ""),
            "UV_INDEX": " ".join(extra),
            # pip takes the best of all its indexes; the lock's hashes say which file is right
            "UV_INDEX_STRATEGY": "unsafe-best-match" if extra else "",
            "UV_FIND_LINKS": ",".join(links),
        }
        asked = [] if more else [settings.get("index-url") or "https://pypi.org"]
        asked = [hidden(place) for place in [*asked, *extra, *links]]
        told = (
            f"uv looked at {', '.join(asked) or 'no index'} (from pip's settings; UV_DEFAULT_INDEX "
            "names another index)."
        )
    for key, value in given.items():
        if value and not environment.get(key) and not environment.get(key.lower()):
            environment[key] = value
    return environment, more, told


def uv_files(environment: dict[str, str]) -> list[str]:
    """The configuration files of uv that say where packages come from."""
    if environment.get("UV_NO_CONFIG"):
        return []
    user = environment.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    shared = environment.get("XDG_CONFIG_DIRS") or "/etc/xdg"
    folders = [user, *shared.split(":"), "/etc"]
    files = [environment.get("UV_CONFIG_FILE", "")]
    files += [str(Path(folder, "uv", "uv.toml")) for folder in folders if folder]
    found = []
    for name in files:
        with contextlib.suppress(OSError):
            if name and re.search(r"(?m)^[^#]*(index|find-links)", Path(name).read_text()):
                found.append(name)
    return found


def is_there(link: str) -> bool:
    """Whether this may be asked: pip passes over a folder that is not there, and uv does not."""
    parts = urlsplit(link)
    if parts.scheme in ("http", "https"):
        return True
    return Path(unquote(parts.path) if parts.scheme == "file" else link).expanduser().exists()


def hidden(text: str) -> str:
    """The text without the passwords in its addresses."""
    return re.sub(r"(?<=://)[^/@\s]+@", "***@", text)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
