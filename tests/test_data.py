"""Every loader of `cnn50.data`: shapes, ranges, classes, and what the registry says of them."""

from __future__ import annotations

import ast
import functools
import re

import numpy as np
import pytest

from cnn50 import data
from cnn50.data.registry import REGISTRY, registry

load = functools.cache(data.load)

LABELLED = {
    # name: train x, test x, number of classes, counts of the first classes in train
    "mnist": ((60000, 28, 28, 1), (10000, 28, 28, 1), 10, (5923, 6742, 5958)),
    "fashion_mnist": ((60000, 28, 28, 1), (10000, 28, 28, 1), 10, (6000, 6000, 6000)),
    "traffic_lights": ((1187, 64, 32, 3), (297, 64, 32, 3), 3, (723, 35, 429)),
    "chest_xrays": ((2530, 224, 224, 1), (634, 224, 224, 1), 2, (1263, 1267)),
    "textures": ((600, 64, 64, 1), (300, 64, 64, 1), 3, (200, 200, 200)),
}


@pytest.mark.parametrize("name", LABELLED)
def test_labelled_pictures(name: str) -> None:
    train_shape, test_shape, classes, counts = LABELLED[name]
    split = load(name)
    for (x, y), shape in ((split.train, train_shape), (split.test, test_shape)):
        assert x.shape == shape
        assert x.dtype == np.uint8
        assert x.min() <= 5
        assert x.max() >= 220
        assert y.shape == shape[:1]
        assert y.dtype == np.int64
        assert set(np.unique(y)) == set(range(classes))
    assert len(split.classes) == classes
    found = data.class_counts(split.train[1], split.classes)
    assert tuple(found.values())[: len(counts)] == counts
    assert split.card.name == name


@pytest.mark.parametrize("name", LABELLED)
def test_no_training_picture_is_tested(name: str) -> None:
    split = load(name)
    train = {picture.tobytes() for picture in split.train[0]}
    assert not any(picture.tobytes() in train for picture in split.test[0])


def test_traffic_lights_show_their_class() -> None:
    x, y = load("traffic_lights").test
    # The lamp that is lit has the strongest colour: red is the upper one, green the lower.
    colour = x.max(-1) - x.min(-1)
    upper, lower = colour[:, :22, 8:24].mean((1, 2)), colour[:, 42:, 8:24].mean((1, 2))
    assert np.mean(upper[y == 0] > lower[y == 0]) > 0.9
    assert np.mean(upper[y == 2] < lower[y == 2]) > 0.9


def test_pictures_can_be_smaller() -> None:
    assert data.load("traffic_lights", height=32, width=16).test[0].shape == (297, 32, 16, 3)


def test_lung_masks() -> None:
    split = data.load("lung_masks")
    for (x, y), number in ((split.train, 200), (split.test, 99)):
        assert x.shape == y.shape == (number, 224, 224, 1)
        assert x.dtype == y.dtype == np.uint8
        assert set(np.unique(y)) == {0, 1}
        shares = y.mean((1, 2, 3))
        assert shares.min() > 0.1
        assert shares.max() < 0.7
        # Air is dark in an X-ray: the lungs are darker than the body that surrounds them.
        body = (x > 40) & (y == 0)
        assert x[y == 1].mean() < x[body].mean()
    assert data.load("lung_masks", size=56).train[1].shape == (200, 56, 56, 1)


def test_patients_of_the_xrays() -> None:
    split = data.load("chest_xrays", size=8)
    train, test = data.xray_patients()
    assert train.shape == split.train[1].shape
    assert test.shape == split.test[1].shape
    for patients, (_, y) in ((train, split.train), (test, split.test)):
        sick = np.array([who.startswith("person") for who in patients])
        assert np.array_equal(sick, y == 1)  # only files of sick children begin so
    assert np.isin(test, train).sum() == 205


def test_textures_come_from_separate_parts() -> None:
    split = data.textures(size=192, train=40, test=40, seed=3)
    assert split.train[0].shape == (120, 192, 192, 1)
    left = data.photo("brick")[:, :288]
    crop = split.train[0][split.train[1] == 0][0, :8, :8, 0]
    windows = np.lib.stride_tricks.sliding_window_view(left, (8, 8))
    assert (windows == crop).all((2, 3)).any()
    again = data.textures(size=192, train=40, test=40, seed=3)
    assert np.array_equal(split.train[0], again.train[0])
    with pytest.raises(ValueError, match="8 to 192"):
        data.textures(size=200)


def test_nuclei() -> None:
    found = data.load("nuclei")
    assert found.image.shape == found.mask.shape == (512, 512)
    assert found.image.dtype == np.uint8
    assert found.mask.dtype == np.int32
    assert found.number == 125
    assert set(np.unique(found.mask)) == set(range(126))
    assert found.image[found.mask > 0].mean() > 2 * found.image[found.mask == 0].mean()


def test_aerial_trees() -> None:
    photos = data.load("aerial_trees")
    assert [len(photo.boxes) for photo in photos] == [574, 279, 61, 37]
    assert sum(photo.labels.count("Dead") for photo in photos) == 28
    for photo in photos:
        height, width, channels = photo.image.shape
        assert channels == 3
        assert photo.boxes.dtype == np.float32
        assert len(photo.labels) == len(photo.boxes)
        assert (photo.boxes[:, :2] >= 0).all()
        assert (photo.boxes[:, 2:] > photo.boxes[:, :2]).all()
        assert (photo.boxes[:, 2:] <= (width, height)).all()


def test_open_photos() -> None:
    photos = data.load("open_photos")
    assert photos.shape == (919, 120, 120, 3)
    assert photos.dtype == np.uint8
    listed = data.path("open_photos", "ATTRIBUTION.md").read_text(encoding="utf-8")
    assert sum(line.startswith('- "') for line in listed.splitlines()) == 919


def test_sms_spam() -> None:
    split = data.load("sms_spam")
    assert data.class_counts(split.train[1], split.classes) == {"ham": 3619, "spam": 558}
    assert data.class_counts(split.test[1], split.classes) == {"ham": 1208, "spam": 189}
    assert not set(split.train[0]) & set(split.test[0])
    spam = split.train[0][split.train[1] == 1]
    ham = split.train[0][split.train[1] == 0]
    assert all(isinstance(message, str) and message for message in split.train[0])
    share = [np.mean(["free" in text.lower() for text in texts]) for texts in (spam, ham)]
    assert share[0] > 5 * share[1]


def test_newsgroups() -> None:
    split = data.load("newsgroups")
    assert (len(split.train[0]), len(split.test[0])) == (11314, 7532)
    assert len(split.classes) == 20
    assert set(np.unique(split.train[1])) == set(range(20))
    hockey = split.train[0][split.train[1] == split.classes.index("rec.sport.hockey")]
    assert np.mean(["hockey" in text.lower() for text in hockey]) > 0.3


def test_spoken_characters() -> None:
    voice = data.load("spoken_characters")
    assert "".join(voice.sounds) == "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert voice.rate == 8000
    for sound in voice.sounds.values():
        assert sound.dtype == np.float32
        assert 0.2 < len(sound) / voice.rate < 0.9
        assert 0.2 < np.abs(sound).max() <= 1


def test_captcha_font_draws() -> None:
    from PIL import ImageFont

    font = ImageFont.truetype(data.load("captcha_font"), 40)
    widths = {font.getlength(character) for character in "iW0"}
    assert len(widths) == 1  # the typeface is of equal widths


def test_brain() -> None:
    brain = data.load("brain")
    for volume in (brain.t1, brain.grey, brain.white):
        assert volume.shape == (197, 233, 189)
        assert volume.dtype == np.uint8
        assert (volume.min(), volume.max()) == (0, 255)
    white, grey = brain.white > 200, brain.grey > 200
    assert not (white & grey).any()
    assert brain.t1[white].mean() > brain.t1[grey].mean() > brain.t1[brain.t1 > 0].min()


@pytest.mark.parametrize(
    ("name", "shape"), [("street_video", (272, 640, 3)), ("big_buck_bunny", (720, 1280, 3))]
)
def test_films(name: str, shape: tuple[int, ...]) -> None:
    film = data.load(name, frames=4, every=3)
    assert film.shape == (4, *shape)
    assert film.dtype == np.uint8
    assert film.std() > 20
    with pytest.raises(ValueError, match="at least 1"):
        data.load(name, frames=0)


def test_street_video_is_cut_where_it_says() -> None:
    film = data.load("street_video")
    assert len(film) == 250
    change = np.abs(np.diff(film[:, ::8, ::8].astype(int), axis=0)).mean((1, 2, 3))
    assert tuple(np.flatnonzero(change > 40) + 1) == (30, 76, 137, 187, 242)


def test_imagenet_names() -> None:
    names = data.load("imagenet_classes")
    assert len(names) == 1000
    assert (names[0], names[281], names[388]) == ("tench", "tabby cat", "giant panda")


def test_weights_files() -> None:
    assert data.load("mobilenetv2_imagenet").read_bytes()[:4] == b"\x89HDF"
    detector = data.load("ssd_mobilenetv3_coco")
    assert detector.graph.stat().st_size == 13448454
    assert len(detector.classes) == 90
    assert (detector.classes[0], detector.classes[16], detector.classes[89]) == (
        "person",
        "cat",
        "toothbrush",
    )


@pytest.mark.parametrize("name", data.photo_names())
def test_photos(name: str) -> None:
    photo = data.photo(name)
    assert photo.dtype == np.uint8
    assert re.search(r"\(([\d, ]+)\)", data.card(name).shapes)[1] == ", ".join(
        map(str, photo.shape)
    )
    assert photo.flags.writeable


def test_every_data_set_has_a_loader_and_a_full_card() -> None:
    assert set(data.names()) == set(data.LOADERS)
    for name in (*data.names(), *data.photo_names()):
        card = data.card(name)
        for text in (card.title, card.description, card.shapes, card.licence, card.attribution):
            assert text.strip(), name
            assert "\n" not in text, name
        assert card.source.startswith("http"), name
        assert card.credit.startswith(card.title)
        if card.show:
            assert card.licence not in ("unclear", "none stated"), name


def test_docstrings_name_licence_and_credit() -> None:
    for name, loader in data.LOADERS.items():
        text = " ".join((loader.__doc__ or "").split())
        assert "Licence:" in text, name
        assert "redit:" in text, name
        licence = data.card(name).licence
        assert licence.split(" (")[0].lower().removesuffix(" 1.0") in text.lower(), name


def test_registry_is_complete() -> None:
    known = registry()
    for dataset in (*known.sets.values(), *known.photos.values()):
        for file in dataset.files:
            assert re.fullmatch("[0-9a-f]{64}", file.sha256), file
            assert file.size > 0
            ways = [bool(file.member), bool(file.members), bool(file.installed)]
            assert sum(ways) == 1, file
            assert bool(file.installed) == (dataset.mirror is None)
    text = REGISTRY.read_text(encoding="utf-8")
    assert not re.search(r"pypi\.org|pythonhosted|files/packages", text)


def test_nothing_here_imports_tensorflow() -> None:
    for module in REGISTRY.parent.glob("*.py"):
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported = [name.name for name in node.names]
            elif isinstance(node, ast.ImportFrom):
                imported = [node.module or ""]
            else:
                continue
            assert not {name.split(".")[0] for name in imported} & {"tensorflow", "keras"}
