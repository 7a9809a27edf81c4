"""Real data and pretrained networks, with their licences, wherever a page runs.

    >>> from cnn50 import data
    >>> digits = data.load("mnist")
    >>> x, y = digits.train
    >>> data.card("mnist").licence
    'CC BY-SA 3.0'

Files are fetched at first use and kept in one cache folder (`CNN50_DATA`, if set, names it). Each
is checked against the sha256 in `registry.toml`. All errors are of the class `DataError`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cnn50.data import characters, images, photos, text, video, volumes, weights
from cnn50.data.access import card, names, path, photo_names, photo_path
from cnn50.data.characters import Voice
from cnn50.data.errors import (
    CacheError,
    ChecksumError,
    DataError,
    DiskFullError,
    DownloadError,
    MissingPackageError,
    UnknownDataError,
)
from cnn50.data.fetch import cache_folder
from cnn50.data.images import BoxedPhoto, Instances, xray_patients
from cnn50.data.photos import photo, textures
from cnn50.data.registry import Card, unknown
from cnn50.data.split import Split, class_counts
from cnn50.data.volumes import Brain
from cnn50.data.weights import Detector

LOADERS: dict[str, Callable[..., Any]] = {
    "aerial_trees": images.aerial_trees,
    "big_buck_bunny": video.big_buck_bunny,
    "brain": volumes.brain,
    "captcha_font": characters.captcha_font,
    "chest_xrays": images.chest_xrays,
    "fashion_mnist": images.fashion_mnist,
    "imagenet_classes": weights.imagenet_classes,
    "lung_masks": images.lung_masks,
    "mnist": images.mnist,
    "mobilenetv2_imagenet": weights.mobilenetv2_imagenet,
    "newsgroups": text.newsgroups,
    "nuclei": images.nuclei,
    "open_photos": images.open_photos,
    "sms_spam": text.sms_spam,
    "spoken_characters": characters.spoken_characters,
    "ssd_mobilenetv3_coco": weights.ssd_mobilenetv3_coco,
    "street_video": video.street_video,
    "textures": photos.textures,
    "traffic_lights": images.traffic_lights,
}

__all__ = [
    "BoxedPhoto",
    "Brain",
    "CacheError",
    "Card",
    "ChecksumError",
    "DataError",
    "Detector",
    "DiskFullError",
    "DownloadError",
    "Instances",
    "MissingPackageError",
    "Split",
    "UnknownDataError",
    "Voice",
    "cache_folder",
    "card",
    "class_counts",
    "load",
    "names",
    "path",
    "photo",
    "photo_names",
    "photo_path",
    "textures",
    "xray_patients",
]


def load(name: str, **options: Any) -> Any:
    """Load a data set by its name.

    Args:
        name: one of `names()`.
        options: what the loader of this data set takes; most take none.

    Returns:
        A `Split` for labelled sets; for the others what their loader documents
        (`help(cnn50.data.LOADERS[name])`).

    Raises:
        UnknownDataError: no such data set; the message lists those there are.
    """
    if name not in LOADERS:
        raise UnknownDataError(unknown("data set", name, LOADERS))
    return LOADERS[name](**options)
