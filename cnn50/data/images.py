"""Pictures. Labelled sets come as a `Split`: uint8 pictures, int64 classes."""

from __future__ import annotations

import gzip
import io
import re
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from cnn50.data.access import card, path
from cnn50.data.fetch import read_tar
from cnn50.data.split import Array, Split


def mnist() -> Split:
    """Handwritten digits.

    Returns:
        train: x uint8 (60000, 28, 28, 1) in 0 to 255 (0 is the paper), y int64 (60000,) in 0 to 9;
        test: x (10000, 28, 28, 1), y (10000,), by other writers.

    Licence: CC BY-SA 3.0. Credit: Yann LeCun, Corinna Cortes and Christopher J. C. Burges.
    """
    return _idx_split("mnist", tuple("0123456789"))


def fashion_mnist() -> Split:
    """Ten kinds of clothing, grey, 28 by 28 pixels; equally many of each.

    Returns:
        train: x uint8 (60000, 28, 28, 1) in 0 to 255 (0 is the ground), y int64 (60000,) in 0 to 9;
        test: x (10000, 28, 28, 1), y (10000,).

    Licence: MIT. Credit: Zalando Research.
    """
    names = (
        *("T-shirt", "trousers", "pullover", "dress", "coat"),
        *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
    )
    return _idx_split("fashion_mnist", names)


def traffic_lights(height: int = 64, width: int = 32) -> Split:
    """Colour crops of real traffic lights; classes red, yellow and green, very unequal.

    Args:
        height, width: the size the crops are brought to (bilinear, with antialiasing). They are
            stored with 17 by 33 to 111 by 214 pixels, about twice as high as wide.

    Returns:
        train: x uint8 (1187, height, width, 3) in 0 to 255, y int64 (1187,): 723 red, 35 yellow,
        429 green; test: x (297, height, width, 3), y (297,): 181, 9, 107.

    The crops are frames of drives: a test crop can show the light of a training crop, a moment
    later. Pictures are in the order of the classes.

    Licence: CC BY-SA 4.0. Credit: MIT self-driving car course; Shashank Kumbhare.
    """
    classes = ("red", "yellow", "green")
    parts: dict[str, list[tuple[Array, int]]] = {"train": [], "test": []}
    for name, content in read_tar(path("traffic_lights")):
        part, kind, _ = name.split("/")
        picture = _decode(content, "RGB", (width, height))
        parts[part].append((picture, classes.index(kind)))
    return Split(
        train=_stack(parts["train"]),
        test=_stack(parts["test"]),
        classes=classes,
        card=card("traffic_lights"),
    )


def chest_xrays(size: int = 224) -> Split:
    """Chest X-rays of children: normal, or with pneumonia.

    Args:
        size: side in pixels that the pictures of 224 by 224 are scaled down to.

    Returns:
        train: x uint8 (2530, size, size, 1) in 0 to 255, y int64 (2530,), about half of each;
        test: x (634, size, size, 1), y (634,): 319 normal, 315 pneumonia. In the order of the
        classes. Two training pictures that are also among the test pictures are left out.

    The split that comes with the files is not by patient: 205 of the test pictures show a patient
    who is in `train`, too. `xray_patients` tells which.

    Licence: CC BY 4.0. Credit: Daniel Kermany, Kang Zhang, Michael Goldbaum; Guangzhou Women and
    Children's Medical Center. For teaching only.
    """
    parts: dict[str, list[tuple[Array, int]]] = {"train": [], "test": []}
    files = dict(read_tar(path("chest_xrays")))
    tested = {content for name, content in files.items() if name.startswith("test/")}
    for name, content in files.items():
        part, kind, _ = name.split("/")
        if part == "test" or content not in tested:
            picture = _decode(content, "L", (size, size))
            parts[part].append((picture, int(kind == "PNEUMONIA")))
    return Split(
        train=_stack(parts["train"]),
        test=_stack(parts["test"]),
        classes=("normal", "pneumonia"),
        card=card("chest_xrays"),
    )


def xray_patients() -> tuple[Array, Array]:
    """Who is on the pictures of `chest_xrays`: to keep the patients of the two parts apart.

        apart = ~np.isin(train_patients, test_patients)  # training pictures of no test patient

    Returns:
        the patient numbers of train, str (2530,), and of test, str (634,), in the same order. They
        are read off the file names; two children may share a number, one may have two.
    """
    files = dict(read_tar(path("chest_xrays")))
    tested = {content for name, content in files.items() if name.startswith("test/")}
    number = re.compile(r"person\d+|(?:NORMAL2-)?IM-\d+")
    parts: dict[str, list[tuple[int, str]]] = {"train": [], "test": []}
    for name, content in files.items():
        part, kind, file = name.split("/")
        found = number.search(file)
        if part == "test" or content not in tested:
            parts[part].append((int(kind == "PNEUMONIA"), found.group() if found else file))
    train, test = (sorted(parts[part], key=lambda pair: pair[0]) for part in ("train", "test"))
    return np.array([who for _, who in train]), np.array([who for _, who in test])


def lung_masks(size: int = 224) -> Split:
    """Chest X-rays of healthy children with the outline of their lungs.

    Args:
        size: side in pixels that pictures and masks of 224 by 224 are scaled down to; masks are
            scaled without mixing their values.

    Returns:
        train: x uint8 (200, size, size, 1) in 0 to 255, y uint8 (200, size, size, 1), 1 inside the
        lungs and 0 outside; test: 99 of each. All pictures of a patient are in one part.
        The classes are those of a pixel: background, lung.

    Licence: CC BY 4.0. Credit: as for `chest_xrays`; outlines by V7 Labs.
    """
    masks = dict(read_tar(path("lung_masks")))
    pairs: dict[str, list[tuple[Array, Array]]] = {}
    for name, content in read_tar(path("chest_xrays")):
        mask = masks.get(name.removeprefix("test/").replace(".jpeg", ".png"))
        if mask is not None:
            patient = _patient(name)
            inside = _decode(mask, "L", (size, size), Image.Resampling.NEAREST) > 127
            picture = _decode(content, "L", (size, size))
            pairs.setdefault(patient, []).append((picture, inside.astype(np.uint8)))
    ordered = [pair for patient in sorted(pairs) for pair in pairs[patient]]
    owners = [patient for patient in sorted(pairs) for _ in pairs[patient]]
    cut = 199
    while owners[cut] == owners[cut - 1]:
        cut += 1
    x = np.stack([picture for picture, _ in ordered])
    y = np.stack([mask for _, mask in ordered])
    return Split(
        train=(x[:cut], y[:cut]),
        test=(x[cut:], y[cut:]),
        classes=("background", "lung"),
        card=card("lung_masks"),
    )


def open_photos() -> Array:
    """Colour photographs of the Open Images collection, mostly birds; no labels.

    Returns:
        uint8 (919, 120, 120, 3) in 0 to 255.

    Licence: CC BY 2.0. Credit: 782 photographers, listed in `path("open_photos",
    "ATTRIBUTION.md")`. The list does not say who took which picture: do not display them.
    """
    content = read_tar(path("open_photos", "photos.tar"))
    return np.stack([_decode(photo, "RGB") for _, photo in content])


@dataclass(frozen=True)
class Instances:
    """A picture in which each object has a number of its own.

    Attributes:
        image: uint8 (height, width) in 0 to 255.
        mask: int32 (height, width); 0 is background, k the object number k, 1 to `number`.
    """

    image: Array
    mask: Array

    @property
    def number(self) -> int:
        """How many objects there are."""
        return int(self.mask.max())


def nuclei() -> Instances:
    """One microscope picture of cell nuclei, each outlined.

    Returns:
        image uint8 (512, 512) in 0 to 235, mask int32 (512, 512), 125 nuclei numbered from 1.

    Licence: CC0 1.0. Credit: Broad Bioimage Benchmark Collection, BBBC038v1; StarDist.
    """
    with Image.open(path("nuclei", "img2d.tif")) as picture:
        image = np.asarray(picture).astype(np.uint8)  # stored in 16 bits, values up to 235
    with Image.open(path("nuclei", "mask2d.tif")) as picture:
        _, numbers = np.unique(np.asarray(picture), return_inverse=True)
    return Instances(image, numbers.reshape(image.shape).astype(np.int32))


@dataclass(frozen=True)
class BoxedPhoto:
    """A photograph with boxes around its objects.

    Attributes:
        name: the name of the photograph.
        image: uint8 (height, width, 3) in 0 to 255.
        boxes: float32 (number, 4), each x0, y0, x1, y1 in pixels from the upper left corner.
        labels: a word for each box.
    """

    name: str
    image: Array
    boxes: Array
    labels: tuple[str, ...]


def aerial_trees() -> tuple[BoxedPhoto, ...]:
    """Four aerial photographs of forests with a box around each tree.

    Returns:
        in this order: a large one (2472, 2299, 3) with 574 trees, one of the same forest
        (1035, 1249, 3) with 279, two small ones (400, 400, 3) with 61 trees, and with 37 trees that
        are labelled "Dead" or "Alive". Else the label is "Tree".

    Licence: MIT. Credit: boxes by Ben Weinstein and the DeepForest authors, photographs by NEON.
    """
    files = dict(read_tar(path("aerial_trees")))
    photos = []
    for name in sorted(file.removesuffix(".xml") for file in files if file.endswith(".xml")):
        tree = ElementTree.fromstring(files[f"{name}.xml"])
        corners = ("xmin", "ymin", "xmax", "ymax")
        boxes = [
            [float(box.findtext(corner, "nan")) for corner in corners]
            for box in tree.iter("bndbox")
        ]
        labels = tuple(thing.findtext("name", "") for thing in tree.iter("object"))
        image = _decode(files[f"{name}.png"], "RGB")
        photos.append(BoxedPhoto(name, image, np.array(boxes, np.float32), labels))
    return tuple(photos)


def _patient(name: str) -> str:
    """The patient of an X-ray: the leading series and number of its file name."""
    found = re.match(r"(NORMAL2-)?IM-\d+", name.rsplit("/", 1)[-1])
    return found.group() if found else name


def _decode(
    content: bytes,
    mode: str,
    size: tuple[int, int] | None = None,
    resample: Image.Resampling = Image.Resampling.BILINEAR,
) -> Array:
    """Decode a picture to uint8 (height, width, channels); `size` is (width, height)."""
    with Image.open(io.BytesIO(content)) as picture:
        converted = picture.convert(mode)
    if size is not None and size != converted.size:
        converted = converted.resize(size, resample)
    values = np.asarray(converted)
    return values if values.ndim == 3 else values[..., np.newaxis]


def _stack(pairs: list[tuple[Array, int]]) -> tuple[Array, Array]:
    """Pictures and classes, in the order of the classes."""
    pairs = sorted(pairs, key=lambda pair: pair[1])
    x = np.stack([picture for picture, _ in pairs])
    return x, np.array([kind for _, kind in pairs], np.int64)


def _idx_split(name: str, classes: tuple[str, ...]) -> Split:
    """A `Split` from the four IDX files that MNIST and its successors come in."""
    train, test = (
        (
            _idx(path(name, f"{part}-images-idx3-ubyte.gz"))[..., np.newaxis],
            _idx(path(name, f"{part}-labels-idx1-ubyte.gz")).astype(np.int64),
        )
        for part in ("train", "t10k")
    )
    return Split(train, test, classes, card(name))


def _idx(file: Path) -> Array:
    """Read an IDX file of bytes: type and number of axes, their lengths, the values."""
    content = gzip.decompress(file.read_bytes())
    axes = content[3]
    shape = np.frombuffer(content, ">u4", axes, offset=4)
    values = np.frombuffer(content, np.uint8, offset=4 + 4 * axes)
    return values.reshape(shape).copy()
