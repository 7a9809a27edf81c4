"""Names, cards and paths: what every loader needs from the registry and the cache."""

from __future__ import annotations

from pathlib import Path

from cnn50.data.fetch import fetch
from cnn50.data.registry import Card, registry


def names() -> tuple[str, ...]:
    """The names of all data sets, in alphabetical order."""
    return tuple(sorted(registry().sets))


def photo_names() -> tuple[str, ...]:
    """The names of all photographs that `photo` knows, in alphabetical order."""
    return tuple(sorted(registry().photos))


def card(name: str) -> Card:
    """The card of a data set or a photograph: licence, attribution, source, shapes.

    Raises:
        UnknownDataError: no data set and no photograph has this name.
    """
    known = registry()
    if name in known.photos:
        return known.photos[name].card
    return known.dataset(name).card


def path(name: str, file: str | None = None) -> Path:
    """The path of a file of a data set in the cache, fetched if it is not there yet.

    Args:
        name: a data set.
        file: which of its files; may be left out where it has only one.

    Raises:
        UnknownDataError: no such data set or file.
        ChecksumError, DownloadError, DiskFullError, CacheError: see their docstrings.
    """
    known = registry()
    dataset = known.dataset(name)
    return fetch(dataset, dataset.file(file), known)


def photo_path(name: str) -> Path:
    """The path of a photograph that ships inside an installed package.

    Raises:
        UnknownDataError: no such photograph.
        MissingPackageError: the package is not installed.
        ChecksumError: the installed version ships another picture.
    """
    known = registry()
    dataset = known.photo(name)
    return fetch(dataset, dataset.files[0], known)
