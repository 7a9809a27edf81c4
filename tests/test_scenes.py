"""The truth that ``cnn50.scenes`` gives with its pictures is the truth."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from cnn50 import scenes


@pytest.fixture(scope="module")
def some() -> scenes.Scenes:
    return scenes.shapes(120, seed=3)


def same(a: Any, b: Any) -> bool:
    return all(
        np.array_equal(getattr(a, f.name), getattr(b, f.name)) for f in dataclasses.fields(a)
    )


def test_shapes_have_the_promised_form(some: scenes.Scenes) -> None:
    assert len(some) == 120
    assert some.images.shape == (120, 64, 64, 3) and some.images.dtype == np.float32
    assert some.boxes.shape == (120, 4, 4) and some.boxes.dtype == np.float32
    assert some.labels.shape == (120, 4) and some.labels.dtype == np.int32
    assert some.masks.shape == some.full.shape == (120, 4, 64, 64)
    assert some.masks.dtype == some.full.dtype == bool
    assert some.images.min() >= 0 and some.images.max() <= 1
    assert set(np.unique(some.labels)) == {0, 1, 2, 3}


def test_the_same_seed_gives_the_same_scenes_and_another_seed_others(some: scenes.Scenes) -> None:
    assert same(some, scenes.shapes(120, seed=3))
    assert not np.array_equal(some.images, scenes.shapes(120, seed=4).images)


def test_padding_is_last_and_empty_and_no_scene_is_empty(some: scenes.Scenes) -> None:
    there = some.labels > 0
    assert there[:, 0].all()
    assert (there[:, :-1] >= there[:, 1:]).all()
    assert not some.masks[~there].any() and not some.full[~there].any()
    assert (some.boxes[~there] == 0).all()


def test_boxes_are_tight_around_the_visible_pixels(some: scenes.Scenes) -> None:
    for scene, slot in np.argwhere(some.labels > 0):
        rows, columns = np.nonzero(some.masks[scene, slot])
        expected = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
        assert tuple(some.boxes[scene, slot]) == expected


def test_masks_do_not_overlap_and_hide_by_depth(some: scenes.Scenes) -> None:
    assert some.masks.sum(axis=1).max() == 1
    assert not (some.masks & ~some.full).any()
    for slot in range(4):
        hidden = some.full[:, slot] & ~some.masks[:, slot]
        assert not (hidden & ~some.full[:, slot + 1 :].any(axis=1)).any()


def test_enough_of_every_object_shows(some: scenes.Scenes) -> None:
    there = some.labels > 0
    shown = some.masks.sum(axis=(2, 3))[there] / some.full.sum(axis=(2, 3))[there]
    assert shown.min() >= scenes.LEAST_VISIBLE


def test_a_label_names_the_outline() -> None:
    """The area of the shape against its circle: disc 1, square 2/pi, triangle about 0.41."""
    alone = scenes.shapes(300, size=256, max_objects=1, seed=1)
    inside = alone.boxes[:, 0].min(axis=-1) > 0
    inside &= alone.boxes[:, 0].max(axis=-1) < 256
    for label, share in ((1, 1.0), (2, 2 / np.pi), (3, 3 * np.sqrt(3) / 4 / np.pi)):
        full = alone.full[inside & (alone.labels[:, 0] == label), 0]
        rows, columns = np.indices((256, 256)) + 0.5
        area = full.sum(axis=(1, 2))
        middle = [(m * i).sum(axis=(1, 2)) / area for m in (full,) for i in (rows, columns)]
        away = np.hypot(rows - middle[0][:, None, None], columns - middle[1][:, None, None])
        radius = (away * full).max(axis=(1, 2))
        assert np.allclose(area / (np.pi * radius**2), share, atol=0.05)


def test_take_chooses_scenes(some: scenes.Scenes) -> None:
    chosen = some.take(np.array([5, 2]))
    assert len(chosen) == 2
    assert np.array_equal(chosen.masks[1], some.masks[2])


@pytest.mark.parametrize("options", [{"n": 0}, {"size": 16}, {"max_objects": 0}])
def test_shapes_out_of_range(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="shapes needs"):
        scenes.shapes(**{"n": 1, "seed": 0, **options})


def test_tight_boxes_of_nothing_and_of_one_pixel() -> None:
    masks = np.zeros((2, 8, 8), bool)
    masks[1, 3, 5] = True
    assert scenes.tight_boxes(masks).tolist() == [[0, 0, 0, 0], [3, 5, 4, 6]]


@pytest.mark.parametrize("fraction", [0.0, 0.4, 1.0])
def test_occlude_covers_that_part_of_a_lone_square(fraction: float) -> None:
    alone = scenes.shapes(60, max_objects=1, seed=2)
    before = [array.copy() for array in (alone.images, alone.masks)]
    covered = scenes.occlude(alone, fraction, seed=1)
    y1, x1, y2, x2 = alone.boxes[:, 0].astype(int).T
    for k in range(60):
        changed = (covered.images[k] != alone.images[k]).any(axis=-1)
        box = np.zeros((64, 64), bool)
        box[y1[k] : y2[k], x1[k] : x2[k]] = True
        assert not changed[~box].any()
        assert (
            abs(changed.sum() / box.sum() - fraction)
            <= 0.5 / np.minimum(y2 - y1, x2 - x1)[k] + 1e-9
        )
        assert np.array_equal(covered.masks[k, 0], alone.masks[k, 0] & ~changed)
    assert np.array_equal(covered.boxes, alone.boxes)
    assert np.array_equal(covered.labels, alone.labels)
    assert all(
        np.array_equal(a, b) for a, b in zip(before, (alone.images, alone.masks), strict=True)
    )


def test_occlude_out_of_range(some: scenes.Scenes) -> None:
    with pytest.raises(ValueError, match="fraction must be 0 to 1"):
        scenes.occlude(some, 1.5, seed=0)


def test_relight_follows_its_formula(some: scenes.Scenes) -> None:
    images = some.images[:4]
    assert np.array_equal(scenes.relight(images), images)
    assert np.allclose(scenes.relight(images, gain=0.5, gamma=2), 0.5 * images**2, atol=1e-6)
    grey = np.full((1, 8, 8, 3), 0.5, np.float32)
    from_above = scenes.relight(grey, direction=np.pi / 2, strength=0.5)[0, :, :, 0]
    assert np.allclose(from_above, from_above[:, :1], atol=1e-6)
    assert (np.diff(from_above[:, 0]) < 0).all()
    from_right = scenes.relight(grey, strength=0.5)[0, 0, :, 0]
    assert np.allclose(from_right, 0.5 * (1 + 0.5 * ((2 * np.arange(8) + 1) / 8 - 1)), atol=1e-6)


@pytest.mark.parametrize("options", [{"gain": -1}, {"gamma": 0}, {"strength": 2}])
def test_relight_out_of_range(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="relight needs"):
        scenes.relight(np.zeros((1, 8, 8, 3)), **options)


def test_moving_keeps_identity_and_truth() -> None:
    videos = scenes.moving(6, frames=10, objects=3, seed=5)
    assert len(videos) == 6
    assert videos.images.shape == (6, 10, 64, 64, 3) and videos.images.dtype == np.float32
    assert videos.labels.shape == (6, 3) and videos.labels.min() >= 1
    shows = videos.masks.any(axis=(-2, -1))
    assert np.array_equal(videos.identities, np.where(shows, [1, 2, 3], 0))
    assert np.array_equal(videos.boxes, scenes.tight_boxes(videos.masks))
    assert videos.masks.sum(axis=2).max() == 1
    assert same(videos, scenes.moving(6, frames=10, objects=3, seed=5))
    front = videos.full[:, :, -1]
    assert np.array_equal(front, videos.masks[:, :, -1])


def test_moving_moves_slowly_and_keeps_colours() -> None:
    videos = scenes.moving(8, frames=12, objects=1, speed=2.0, seed=1)
    inside = (videos.boxes[..., 0, :2] > 0).all(-1) & (videos.boxes[..., 0, 2:] < 64).all(-1)
    middle = (videos.boxes[..., 0, :2] + videos.boxes[..., 0, 2:]) / 2
    both = inside[:, 1:] & inside[:, :-1]
    assert both.any() and np.abs(np.diff(middle, axis=1))[both].max() < 2 + 3  # 3: turning corners
    mean = [[image[mask[0]].mean() for image, mask in zip(*pair, strict=True)]
            for pair in zip(videos.images, videos.masks, strict=True)]  # fmt: skip
    assert np.ptp(mean, axis=1).max() < 0.1
    still = scenes.moving(2, frames=3, objects=2, speed=0, seed=1)
    assert np.abs(np.diff(still.boxes, axis=1)).max() < 8


@pytest.mark.parametrize("options", [{"n": 0}, {"frames": 0}, {"objects": 0}, {"speed": -1}])
def test_moving_out_of_range(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="moving needs"):
        scenes.moving(**{"n": 1, "seed": 0, **options})


def test_text_lines_boxes_hold_the_ink() -> None:
    lines = scenes.text_lines(["Hello, world", "gap y", "AV"] * 10, noise=0, seed=4)
    assert len(lines) == 30 and lines.images.shape == (30, 32, 160)
    assert lines.boxes.shape == (30, 12, 4) and set(lines.fonts) <= set(scenes.text_fonts())
    for image, text, boxes in zip(lines.images, lines.texts, lines.boxes, strict=True):
        outside = image.copy()
        for character, box in zip(text, boxes.astype(int), strict=False):
            y1, x1, y2, x2 = box
            assert (character == " ") == (y2 == y1)
            assert image[y1:y2, x1:x2].sum() > 0 or character == " "
            outside[y1:y2, x1:x2] = 0
        assert outside.max() == 0
        assert (boxes[len(text) :] == 0).all()


def test_text_lines_spacing_and_determinism() -> None:
    options = {"fonts": ["DejaVuSans"], "seed": 1}
    wide, close = (scenes.text_lines(["nnn"], spacing=s, **options).boxes[0] for s in (4, -2))
    assert (wide[1:, 1] - wide[:-1, 3] == 4).all()
    assert (close[1:, 1] - close[:-1, 3] == -2).all()
    assert same(scenes.text_lines(["abc"], seed=2), scenes.text_lines(["abc"], seed=2))


def test_text_lines_errors() -> None:
    with pytest.raises(ValueError, match="not empty"):
        scenes.text_lines([""], seed=0)
    with pytest.raises(ValueError, match="Unknown fonts"):
        scenes.text_lines(["a"], fonts=["Comic Sans"], seed=0)
    with pytest.raises(ValueError, match="does not fit"):
        scenes.text_lines(["a very long line indeed" * 5], width=64, seed=0)


def test_the_fonts_of_matplotlib_that_hold_text() -> None:
    assert len(scenes.text_fonts()) >= 15
