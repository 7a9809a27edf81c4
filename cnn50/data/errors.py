"""The errors of `cnn50.data`: each says what happened and how to go on."""

from __future__ import annotations


class DataError(Exception):
    """Any data set that could not be delivered. All errors of `cnn50.data` are of this class."""


class UnknownDataError(DataError, KeyError):
    """A data set, file or photograph that is not in the registry."""

    def __str__(self) -> str:
        return str(self.args[0])


class ChecksumError(DataError):
    """A source delivered a file of the wrong size or with the wrong sha256."""


class DownloadError(DataError):
    """No source of a file could be reached."""


class DiskFullError(DataError):
    """The disk of the cache folder is full. What had been written was removed."""


class CacheError(DataError):
    """The cache folder cannot be written to, or another process holds its lock for too long."""


class MissingPackageError(DataError):
    """A package that decodes this kind of data, or that carries the file, is not installed."""
