"""``cnn50.shown`` holds what its pages show, to the letter, and it is right."""

from __future__ import annotations

import ast
import contextlib
import io
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import tensorflow as tf

from cnn50.shown import average_precision, detection, small_pictures, tracking
from tools import ROOT
from tools.pages.page import Page
from tools.pages.questions import find_question

HOMES = {detection: "q24", small_pictures: "q40", tracking: "q06"}
SIZE = 64


def functions(source: str) -> dict[str, str]:
    return {
        node.name: ast.get_source_segment(source, node) or ""
        for node in ast.parse(source).body
        if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }


@pytest.mark.parametrize("module", HOMES, ids=lambda module: module.__name__)
def test_the_page_shows_the_same_source(module: ModuleType) -> None:
    page = Page(find_question(HOMES[module], ROOT), ROOT)
    on_page: dict[str, str] = {}
    for cell in page.code:
        if cell.tree is not None and not cell.is_setup:
            on_page |= functions(cell.source)
    in_package = functions(Path(str(module.__file__)).read_text(encoding="utf-8"))
    assert in_package
    for name, source in in_package.items():
        assert name in on_page, f"{name} stands on no cell of {page.slug}"
        assert source == on_page[name], f"{name} differs between {page.slug} and the package"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def random_boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    sides = rng.uniform(4, 30, (count, 2))
    corners = rng.uniform(0, SIZE - sides)
    return np.concatenate([corners, corners + sides], axis=1).astype(np.float32)


def test_iou_equals_a_count_of_pixels(rng: np.random.Generator) -> None:
    boxes = np.round(random_boxes(rng, 40))
    masks = np.zeros((40, SIZE, SIZE), bool)
    for mask, (y1, x1, y2, x2) in zip(masks, boxes.astype(int), strict=True):
        mask[y1:y2, x1:x2] = True
    both = (masks[:, None] & masks[None]).sum(axis=(2, 3))
    either = (masks[:, None] | masks[None]).sum(axis=(2, 3))
    assert np.allclose(detection.box_iou(boxes, boxes), both / either, atol=1e-5)


def test_iou_of_empty_boxes_is_zero() -> None:
    assert float(detection.box_iou(tf.zeros((1, 4)), tf.zeros((1, 4)))[0, 0]) == 0


def test_anchors_are_centred_and_have_their_shape() -> None:
    anchors = detection.make_anchors(64, (4, 8), (14.0, 26.0), (0.5, 1.0, 2.0))
    assert anchors.shape == (3 * (16**2 + 8**2), 4) and anchors.dtype == np.float32
    height, width = (anchors[:, 2:] - anchors[:, :2]).T
    assert np.allclose(height * width, [14**2] * 768 + [26**2] * 192, rtol=1e-4)
    assert np.allclose((height / width).reshape(-1, 3), [0.5, 1, 2], rtol=1e-4)
    centres = (anchors[:, :2] + anchors[:, 2:]) / 2
    assert np.allclose(centres[0], 2) and np.allclose(centres[3], [2, 6])


def test_decoding_undoes_encoding(rng: np.random.Generator) -> None:
    boxes, references = random_boxes(rng, 200), random_boxes(rng, 200)
    offsets = detection.encode_boxes(boxes, references)
    assert np.allclose(detection.decode_boxes(offsets, references, SIZE), boxes, atol=1e-3)
    assert np.allclose(detection.encode_boxes(references, references), 0, atol=1e-4)
    assert np.allclose(detection.decode_boxes(tf.zeros((200, 4)), references, SIZE), references)


@pytest.mark.parametrize("threshold", [0.1, 0.3, 0.5, 0.7])
def test_suppression_equals_tensorflow(rng: np.random.Generator, threshold: float) -> None:
    boxes, scores = random_boxes(rng, 150), rng.permutation(150).astype(np.float32)
    expected = tf.image.non_max_suppression(boxes, scores, 150, threshold).numpy().tolist()
    assert detection.non_maximum_suppression(boxes, scores, threshold) == expected


@pytest.mark.parametrize(("stride", "bins"), [(4, 7), (8, 7), (4, 14), (16, 3)])
def test_roi_align_equals_the_loop(rng: np.random.Generator, stride: int, bins: int) -> None:
    cells = SIZE // stride
    features = rng.normal(size=(2, cells, cells, 3)).astype(np.float32)
    boxes = np.stack([random_boxes(rng, 20), random_boxes(rng, 20)])
    fast = detection.roi_align(tf.constant(features), tf.constant(boxes), stride, bins).numpy()
    for image in range(2):
        slow = [
            detection.roi_align_slow(features[image], box, stride, bins) for box in boxes[image]
        ]
        assert np.abs(fast[image] - slow).max() < 1e-5 * 10 ** (stride > 8)


def test_roi_align_passes_gradients_to_the_features_it_read(rng: np.random.Generator) -> None:
    features = tf.Variable(rng.normal(size=(1, 16, 16, 1)).astype(np.float32))
    with tf.GradientTape() as tape:
        read = detection.roi_align(features, tf.constant([[[8.0, 8.0, 24.0, 24.0]]]), 4, 7)
        total = tf.reduce_sum(read)
    touched = np.argwhere(tape.gradient(total, features).numpy()[0, :, :, 0] > 0)
    assert touched.min() == 1 and touched.max() == 6


def test_roi_pool_equals_whole_number_arithmetic(rng: np.random.Generator) -> None:
    features = rng.normal(size=(1, 16, 16, 2)).astype(np.float32)
    boxes, bins = random_boxes(rng, 50), 7
    pooled = detection.roi_pool(tf.constant(features), tf.constant(boxes[None]), 4, bins)[0].numpy()
    for box, result in zip(boxes, pooled, strict=True):
        y1, x1, y2, x2 = np.round(box / 4).astype(int)
        height, width = max(y2 - y1, 1), max(x2 - x1, 1)
        for i, j in np.ndindex(bins, bins):
            rows = np.arange(y1 + i * height // bins, y1 - (-(i + 1) * height // bins))
            columns = np.arange(x1 + j * width // bins, x1 - (-(j + 1) * width // bins))
            cells = features[0][np.ix_(rows.clip(0, 15), columns.clip(0, 15))]
            assert np.allclose(result[i, j], cells.max(axis=(0, 1)))


def test_every_region_reads_the_level_that_fits_its_size() -> None:
    levels = [tf.fill((1, 64 // s, 64 // s, 1), float(s)) for s in (4, 8, 16)]
    boxes = tf.constant([[[0, 0, s, s] for s in (0.0, 10.0, 19.0, 21.0, 39.0, 41.0, 64.0)]])
    read = detection.read_pyramid(levels, boxes, (4, 8, 16), 2, detection.roi_align, 20)
    assert read.shape == (1, 7, 2, 2, 1)
    assert read[0, :, 0, 0, 0].numpy().tolist() == [4, 4, 4, 8, 8, 16, 16]


def test_smooth_l1_is_smooth() -> None:
    error = tf.constant([-3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(error)
        loss = detection.smooth_l1(error)
    assert np.allclose(loss, [2.5, 0.5, 0.125, 0, 0.125, 0.5, 2.5])
    assert np.allclose(tape.gradient(loss, error), [-1, -1, -0.5, 0, 0.5, 1, 1])


def test_mean_where() -> None:
    values = tf.constant([1.0, 2.0, 6.0])
    assert float(detection.mean_where(values, tf.constant([True, False, True]))) == 3.5
    assert float(detection.mean_where(values, tf.constant([False] * 3))) == 0


def truth() -> tuple[tf.Tensor, tf.Tensor, np.ndarray]:
    boxes = tf.constant([[[8.0, 8.0, 24.0, 22.0], [30.0, 32.0, 56.0, 60.0], [0.0, 0.0, 0.0, 0.0]]])
    labels = tf.constant([[1, 3, 0]])
    return boxes, labels, detection.make_anchors(64, (4, 8), (14.0, 26.0), (0.5, 1.0, 2.0))


def test_rpn_losses_vanish_for_the_right_answer_only() -> None:
    boxes, labels, anchors = truth()
    overlaps = detection.box_iou(anchors, boxes).numpy()[0]
    closest = (overlaps == overlaps.max(axis=0)) & (labels.numpy()[0] > 0)
    positive = (overlaps.max(axis=1) >= 0.5) | closest.any(axis=1)
    assert positive[overlaps.argmax(axis=0)[:2]].all()
    logits = tf.constant(np.where(positive, 20.0, -20.0)[None], tf.float32)
    target = tf.gather(boxes[0], overlaps.argmax(axis=1))
    offsets = detection.encode_boxes(target, anchors)[None]
    right = detection.rpn_losses(logits, offsets, anchors, boxes, labels)
    assert [float(loss) for loss in right] == pytest.approx([0, 0], abs=1e-4)
    wrong = detection.rpn_losses(-logits, offsets + 1, anchors, boxes, labels)
    assert float(wrong[0]) > 10 and float(wrong[1]) == pytest.approx(2.0, abs=1e-4)


def test_box_head_losses_look_at_the_true_class_and_skip_padding() -> None:
    boxes, labels, _ = truth()
    logits = 20.0 * tf.one_hot(labels, 4) * tf.constant([[[1.0], [1.0], [-1.0]]])
    offsets = np.full((1, 3, 3, 4), 9.0, np.float32)
    offsets[0, 0, 0] = offsets[0, 1, 2] = 0
    losses = detection.box_head_losses(logits, tf.constant(offsets), boxes, labels, boxes)
    assert [float(loss) for loss in losses] == pytest.approx([0, 0], abs=1e-4)


def test_mask_loss_grades_the_own_class_alone(rng: np.random.Generator) -> None:
    labels = tf.constant([[1, 3, 0]])
    targets = tf.constant(rng.integers(0, 2, (1, 3, 4, 4)), tf.float32)
    logits = rng.normal(size=(1, 3, 4, 4, 3)).astype(np.float32)
    logits[0, 0, ..., 0] = 20 * (2 * targets[0, 0] - 1)
    logits[0, 1, ..., 2] = 20 * (2 * targets[0, 1] - 1)
    assert float(detection.mask_loss(tf.constant(logits), labels, targets)) < 1e-4
    own = detection.own_class_masks(tf.constant(logits), labels)
    assert np.array_equal(own[0, 1], logits[0, 1, ..., 2])


def test_pasting_undoes_cropping() -> None:
    rows, columns = np.indices((SIZE, SIZE)) + 0.5
    disc = (np.hypot(rows - 30, columns - 34) < 14).astype(np.float32)[None, None]
    box = tf.constant([[[16.0, 20.0, 44.0, 48.0]]])
    small = detection.crop_masks(tf.constant(disc), box, 28)
    pasted = detection.paste_masks(small, box, SIZE).numpy()
    both, either = (pasted & (disc > 0)).sum(), (pasted | (disc > 0)).sum()
    assert both / either > 0.95
    empty = detection.paste_masks(small, tf.zeros((1, 1, 4)), SIZE).numpy()
    assert not empty.any()


def ap(truth_boxes: np.ndarray, boxes: np.ndarray, scores: np.ndarray, kind: str) -> dict:
    """AP of one object and some detections per image, all of class 1, masks = filled boxes."""

    def rows(boxes: np.ndarray, scores: np.ndarray | None) -> list:
        masks = np.zeros((*boxes.shape[:2], SIZE, SIZE), np.uint8)
        for k, slot in np.ndindex(*boxes.shape[:2]):
            y1, x1, y2, x2 = boxes[k, slot].astype(int)
            masks[k, slot, y1:y2, x1:x2] = 1
        labels = (masks.any(axis=(2, 3))).astype(int)
        return average_precision.coco_rows(boxes, labels, masks, scores)

    with contextlib.redirect_stdout(io.StringIO()):
        shape = (len(boxes), SIZE, 1)
        true = average_precision.coco_data(rows(truth_boxes, None), *shape)
        found = average_precision.coco_data(rows(boxes, scores), *shape)
        judged = average_precision.judge(true, found, kind, 10)
        return average_precision.average_precision(judged, np.arange(len(boxes)))


@pytest.mark.parametrize("kind", ["bbox", "segm"])
def test_average_precision_of_known_answers(kind: str) -> None:
    true = np.float32([[[8, 8, 28, 28]], [[20, 20, 40, 40]]])
    perfect = ap(true, true, np.ones((2, 1)), kind)
    assert perfect == pytest.approx({"AP": 100, "AP50": 100, "AP75": 100})
    shifted = ap(true, true + np.float32([0, 3, 0, 3]), np.ones((2, 1)), kind)  # IoU 17 / 23
    assert shifted == pytest.approx({"AP": 50, "AP50": 100, "AP75": 0})
    doubled = ap(true, np.concatenate([true, true], axis=1), np.float32([[0.9, 0.8]] * 2), kind)
    assert doubled["AP50"] == pytest.approx(100)  # a repeat below all hits costs nothing
    ranked = ap(true, true * np.float32([[[0]], [[1]]]), np.ones((2, 1)), kind)
    assert ranked["AP50"] == pytest.approx(100 * 51 / 101)


def test_average_precision_counts_an_image_twice() -> None:
    true = np.float32([[[8, 8, 28, 28]], [[20, 20, 40, 40]]])
    only_first = true * np.float32([[[1]], [[0]]])
    masks = np.ones((2, 1, SIZE, SIZE), np.uint8)
    labels = np.array([[1], [0]])
    with contextlib.redirect_stdout(io.StringIO()):
        rows = average_precision.coco_rows(true, np.ones((2, 1), int), masks)
        found = average_precision.coco_rows(only_first, labels, masks, np.ones((2, 1)))
        data = [average_precision.coco_data(r, 2, SIZE, 1) for r in (rows, found)]
        judged = average_precision.judge(*data, "bbox", 10)
        values = [
            average_precision.average_precision(judged, np.array(images))["AP50"]
            for images in ([0, 0], [1, 1], [0, 1])
        ]
    assert values == pytest.approx([100, 0, 100 * 51 / 101])


def test_shrinking_takes_the_mean_of_two_by_two_pixels(rng: np.random.Generator) -> None:
    pictures = rng.integers(0, 256, (3, 28, 28), dtype=np.uint8)
    small = small_pictures.shrink(pictures)
    assert small.shape == (3, 14, 14) and small.dtype == np.float32
    for n, row, column in [(0, 0, 0), (1, 13, 2), (2, 5, 13)]:
        four = pictures[n, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
        assert small[n, row, column] == pytest.approx(four.mean() / 255, abs=1e-6)
    white = small_pictures.shrink(np.full((1, 28, 28), 255, np.uint8))
    assert np.array_equal(white, np.ones((1, 14, 14)))
    with pytest.raises(ValueError, match="reshape"):
        small_pictures.shrink(np.zeros((1, 27, 27)))


def test_patches_are_those_of_a_convolution(rng: np.random.Generator) -> None:
    pictures = rng.normal(size=(2, 14, 14)).astype(np.float32)
    cut = small_pictures.patches(pictures)
    assert cut.shape == (2, 36, 16) and cut.dtype == np.float32 and cut.flags.c_contiguous
    assert np.array_equal(cut[1, 6 * 2 + 5], pictures[1, 4:8, 10:14].ravel())  # row 2, column 5
    kernel = rng.normal(size=(4, 4, 1, 3)).astype(np.float32)
    maps = tf.nn.conv2d(pictures[..., None], kernel, strides=2, padding="VALID")
    assert np.allclose(cut @ kernel.reshape(16, 3), tf.reshape(maps, (2, 36, 3)), atol=1e-5)
    with pytest.raises(ValueError, match="reshape"):
        small_pictures.patches(pictures[:, :12])


def test_a_patch_lies_where_it_was_put_and_has_its_size() -> None:
    films, white = np.zeros((1, 2, 96, 96), np.float32), np.ones((1, 120, 120), np.float32)
    places, one = np.array([[[40.25, 50.5], [60, 30]]]), np.ones((1, 2))
    middle = np.array([[60.0, 60]])
    tracking.paste(films, places, white, np.zeros(1, int), middle, 0 * one, one, one)
    rows, columns = np.indices((96, 96))
    centres = [[np.average(grid, weights=frame) for grid in (rows, columns)] for frame in films[0]]
    assert np.allclose(centres, places[0], atol=0.02)
    assert np.allclose(films.sum(axis=(2, 3)) / (np.pi * tracking.RADIUS**2), 1, atol=0.01)


def test_a_path_keeps_its_pace_and_its_distance_from_the_border(rng: np.random.Generator) -> None:
    places = tracking.paths(20, 30, 5, (96, 160), rng)
    paced = np.linalg.norm(np.diff(places, axis=1), axis=2)
    assert places.shape == (20, 30, 2) and paced.max() < 5.001 and np.median(paced) > 4.99
    assert places.min() >= 24 and (places <= [72, 136]).all()


def test_correlation_is_the_coefficient(rng: np.random.Generator) -> None:
    window = rng.uniform(size=(2, 20, 20, 1))
    scores = tracking.correlate(window, window[:, 5:13, 6:14], centred=True)
    expected = np.corrcoef(window[1, 2:10, 3:11].ravel(), window[1, 5:13, 6:14].ravel())[0, 1]
    assert scores[1, 2, 3] == pytest.approx(expected, abs=1e-4)
    assert scores[0, 5, 6] == pytest.approx(1, abs=1e-4)


def test_a_template_follows_a_patch(rng: np.random.Generator) -> None:
    films = rng.uniform(size=(3, 6, 96, 96)).astype(np.float32) / 4
    places = tracking.paths(3, 6, 4, (96, 96), rng)
    photo, one = rng.uniform(size=(1, 120, 120)).astype(np.float32), np.ones((3, 6))
    middle = np.full((3, 2), 60.0)
    tracking.paste(films, places, photo, np.zeros(3, int), middle, 0 * one, one, one)
    maps, model = tracking.Maps(films[..., None]), tracking.Template(32, 12, centred=True)
    found = tracking.follow(maps, places[:, 0], model, 12)
    assert tracking.off(found, places).max() < 1
    assert np.array_equal(tracking.kept(found, places), [100] * 3)
    assert (tracking.squares_iou(found, places) > 0.9).all()
