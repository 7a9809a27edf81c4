"""Boxes, anchors, suppression, RoI Align and the losses of a two-stage detector.

These functions stand, word for word, on the page of question 24, where they are explained and
tested; a test holds the two together. Edit the page first. Boxes are (y1, x1, y2, x2) in
pixels and half-open. Shapes are static: B images, N boxes, C channels, all known when traced.
"""

# mypy: disallow-untyped-defs=False, check-untyped-defs=False

import numpy as np
import tensorflow as tf


def box_area(boxes):
    """Area of boxes [..., 4] given as (y1, x1, y2, x2): [...]."""
    return tf.reduce_prod(boxes[..., 2:] - boxes[..., :2], axis=-1)


def box_iou(boxes, others):
    """Intersection over union of every pair: [..., N, 4] and [..., M, 4] -> [..., N, M]."""
    top_left = tf.maximum(boxes[..., :, None, :2], others[..., None, :, :2])
    bottom_right = tf.minimum(boxes[..., :, None, 2:], others[..., None, :, 2:])
    intersection = tf.reduce_prod(tf.maximum(bottom_right - top_left, 0.0), axis=-1)
    union = box_area(boxes)[..., :, None] + box_area(others)[..., None, :] - intersection
    return intersection / tf.maximum(union, 1e-6)


def make_anchors(image_size, strides, sides, ratios):
    """All anchors, level by level, row by row, ratio fastest: float32 [A, 4].

    strides and sides are pixels, one per level; a ratio is height / width at the same area.
    """
    boxes = []
    for stride, side in zip(strides, sides, strict=True):
        centres = (np.arange(image_size // stride) + 0.5) * stride
        y, x, ratio = np.meshgrid(centres, centres, ratios, indexing="ij")
        height, width = side * np.sqrt(ratio), side / np.sqrt(ratio)
        corners = [y - height / 2, x - width / 2, y + height / 2, x + width / 2]
        boxes.append(np.stack(corners, axis=-1).reshape(-1, 4))
    return np.concatenate(boxes).astype(np.float32)


def encode_boxes(boxes, references, scale=(0.1, 0.1, 0.2, 0.2)):
    """Four offsets that carry each reference to its box: both [..., 4] -> [..., 4]."""
    size = tf.maximum(boxes[..., 2:] - boxes[..., :2], 1.0)
    reference_size = tf.maximum(references[..., 2:] - references[..., :2], 1.0)
    shift = (boxes[..., :2] + size / 2 - references[..., :2] - reference_size / 2) / reference_size
    return tf.concat([shift, tf.math.log(size / reference_size)], axis=-1) / tf.constant(scale)


def decode_boxes(offsets, references, image_size, scale=(0.1, 0.1, 0.2, 0.2)):
    """The way back, clipped to the image: offsets and references [..., 4] -> boxes [..., 4]."""
    offsets = offsets * tf.constant(scale)
    reference_size = tf.maximum(references[..., 2:] - references[..., :2], 1.0)
    centre = references[..., :2] + reference_size / 2 + offsets[..., :2] * reference_size
    size = reference_size * tf.exp(tf.clip_by_value(offsets[..., 2:], -2.0, 2.0))
    boxes = tf.concat([centre - size / 2, centre + size / 2], axis=-1)
    return tf.clip_by_value(boxes, 0.0, float(image_size))


def non_maximum_suppression(boxes, scores, threshold):
    """Boxes [N, 4] and scores [N] to the indices of the boxes that are kept, best first."""
    waiting = np.argsort(-scores, kind="stable")
    kept = []
    while len(waiting):
        best, waiting = waiting[0], waiting[1:]
        kept.append(int(best))
        overlap = box_iou(boxes[best][None], boxes[waiting]).numpy()[0]
        waiting = waiting[overlap <= threshold]
    return kept


def bilinear_weights(positions, size):
    """What each of `size` cells contributes at real positions: [..., P] -> [..., P, size]."""
    positions = tf.clip_by_value(positions, 0.0, size - 1.0)
    return tf.nn.relu(1.0 - tf.abs(positions[..., None] - tf.range(size, dtype=tf.float32)))


def align_weights(low, high, stride, size, bins, samples=2):
    """RoI Align along one axis, from pixel `low` to `high`, both [...]: [..., bins, size].

    Each bin averages `samples` points, evenly spaced; cell i has its centre at (i + 0.5) * stride.
    """
    fractions = (tf.range(bins * samples, dtype=tf.float32) + 0.5) / (bins * samples)
    pixels = low[..., None] + (high - low)[..., None] * fractions
    weights = bilinear_weights(pixels / stride - 0.5, size)
    return tf.reduce_mean(tf.reshape(weights, [*low.shape, bins, samples, size]), axis=-2)


def weighted_read(features, row_weights, column_weights):
    """[B, H, W, C], [B, N, bins, H] and [B, N, bins, W] -> [B, N, bins, bins, C]."""
    batch, height, width, channels = features.shape
    regions, bins = row_weights.shape[1:3]
    row_weights = tf.reshape(row_weights, [batch, regions * bins, height])
    rows = row_weights @ tf.reshape(features, [batch, height, width * channels])
    rows = tf.reshape(rows, [batch, regions, bins, width, channels])
    return column_weights[:, :, None] @ rows


def roi_align(features, boxes, stride, bins):
    """Read every box as bins x bins cells, rounding nothing.

    features [B, H, W, C], boxes [B, N, 4] in pixels -> [B, N, bins, bins, C].
    """
    y1, x1, y2, x2 = tf.unstack(boxes, axis=-1)
    row_weights = align_weights(y1, y2, stride, features.shape[1], bins)
    column_weights = align_weights(x1, x2, stride, features.shape[2], bins)
    return weighted_read(features, row_weights, column_weights)


def roi_align_slow(features, box, stride, bins, samples=2):
    """RoI Align of one box, one sampling point at a time: [H, W, C] -> [bins, bins, C]."""
    height, width, channels = features.shape
    y1, x1, y2, x2 = box
    result = np.zeros((bins, bins, channels))
    for row, column, i, j in np.ndindex(bins, bins, samples, samples):
        y = (y1 + (y2 - y1) * (row + (i + 0.5) / samples) / bins) / stride - 0.5
        x = (x1 + (x2 - x1) * (column + (j + 0.5) / samples) / bins) / stride - 0.5
        y, x = np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)
        top, left = min(int(y), height - 2), min(int(x), width - 2)
        down, right = y - top, x - left
        above = (1 - right) * features[top, left] + right * features[top, left + 1]
        below = (1 - right) * features[top + 1, left] + right * features[top + 1, left + 1]
        result[row, column] += ((1 - down) * above + down * below) / samples**2
    return result


def bin_cells(low, high, stride, size, bins):
    """RoI Pool along one axis: the whole cells of each bin, the last repeated, [..., bins, K]."""
    first = tf.round(low / stride)  # first rounding: the region snaps to whole cells
    length = tf.maximum(tf.round(high / stride) - first, 1.0)[..., None]
    number = tf.range(bins, dtype=tf.float32)
    start = first[..., None] + tf.floor(number * length / bins)  # second: each bin does, too
    stop = first[..., None] + tf.math.ceil((number + 1) * length / bins)
    cells = start[..., None] + tf.range(size // bins + 2, dtype=tf.float32)
    return tf.cast(tf.clip_by_value(tf.minimum(cells, stop[..., None] - 1), 0, size - 1), tf.int32)


def roi_pool(features, boxes, stride, bins):
    """The maximum over the whole cells of each bin; shapes as in roi_align."""
    y1, x1, y2, x2 = tf.unstack(boxes, axis=-1)
    rows = bin_cells(y1, y2, stride, features.shape[1], bins)  # [B, N, bins, K]
    columns = bin_cells(x1, x2, stride, features.shape[2], bins)
    by_row = tf.gather(features, rows, axis=1, batch_dims=1)  # [B, N, bins, K, W, C]
    by_row = tf.reduce_max(by_row, axis=3)
    by_cell = tf.gather(by_row, columns, axis=3, batch_dims=2)  # [B, N, bins, bins, K, C]
    return tf.reduce_max(by_cell, axis=4)


def rounded_weights(low, high, stride, size, bins):
    """Equal weights on the whole cells of each bin: [..., bins, size]."""
    chosen = tf.reduce_max(tf.one_hot(bin_cells(low, high, stride, size, bins), size), axis=-2)
    return chosen / tf.reduce_sum(chosen, axis=-1, keepdims=True)


def roi_mean_pool(features, boxes, stride, bins):
    """RoI Pool with a mean in place of its maximum; shapes as in roi_align."""
    y1, x1, y2, x2 = tf.unstack(boxes, axis=-1)
    row_weights = rounded_weights(y1, y2, stride, features.shape[1], bins)
    column_weights = rounded_weights(x1, x2, stride, features.shape[2], bins)
    return weighted_read(features, row_weights, column_weights)


def read_pyramid(levels, boxes, strides, bins, read, second_level_from):
    """Read each box from the level that fits its size: boxes [B, N, 4] -> [B, N, bins, bins, C].

    Boxes of side second_level_from (pixels) or more are read from the second level, boxes of twice
    that side from the third, and so on.
    """
    side = tf.maximum(tf.sqrt(box_area(boxes)), 1.0)
    wanted = 1 + tf.floor(tf.math.log(side / second_level_from) / tf.math.log(2.0))
    wanted = tf.clip_by_value(wanted, 0, len(levels) - 1)
    result = 0.0
    for number, (level, stride) in enumerate(zip(levels, strides, strict=True)):
        uses_it = tf.cast(wanted == number, tf.float32)[..., None, None, None]
        result += uses_it * read(level, boxes, stride, bins)
    return result


def smooth_l1(error, beta=1.0):
    """Element by element: a parabola below beta, a straight line beyond it."""
    size = tf.abs(error)
    return tf.where(size < beta, 0.5 * size**2 / beta, size - 0.5 * beta)


def mean_where(values, condition):
    """Mean of the values where the condition holds; 0 where it holds nowhere."""
    weights = tf.cast(condition, tf.float32)
    return tf.reduce_sum(values * weights) / tf.maximum(tf.reduce_sum(weights), 1.0)


def match_boxes(boxes, true_boxes):
    """For each box [B, N, 4] its best true box [B, M, 4]: index [B, N] and IoU [B, N]."""
    overlaps = box_iou(boxes, true_boxes)
    return tf.argmax(overlaps, axis=-1, output_type=tf.int32), tf.reduce_max(overlaps, axis=-1)


def rpn_losses(logits, offsets, anchors, true_boxes, true_labels):
    """Objectness and box loss of the RPN. logits [B, A], offsets [B, A, 4], anchors [A, 4]."""
    overlaps = box_iou(anchors, true_boxes)  # [B, A, M]
    index, best = tf.argmax(overlaps, axis=-1), tf.reduce_max(overlaps, axis=-1)
    # closest: the best anchor of each true box
    closest = overlaps >= tf.reduce_max(overlaps, axis=1, keepdims=True) - 1e-5
    closest = tf.reduce_any(closest & (true_labels > 0)[:, None, :], axis=-1)
    positive, negative = (best >= 0.5) | closest, (best < 0.3) & ~closest
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(positive, tf.float32), logits)
    objectness = (mean_where(entropy, positive) + mean_where(entropy, negative)) / 2
    targets = encode_boxes(tf.gather(true_boxes, index, batch_dims=1), anchors)
    miss = tf.reduce_sum(smooth_l1(offsets - targets), axis=-1)
    return objectness, mean_where(miss, positive)


def box_head_losses(logits, offsets, boxes, labels, targets):
    """Cross-entropy over classes and background; smooth L1 on the true class's four offsets.

    logits [B, N, 1 + classes], offsets [B, N, classes, 4], boxes [B, N, 4] (empty = padding),
    labels [B, N] (0 = background), targets [B, N, 4] the true box of each.
    """
    entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
    own_class = tf.maximum(labels - 1, 0)
    own_offsets = tf.gather(offsets, own_class, axis=2, batch_dims=2)
    miss = tf.reduce_sum(smooth_l1(own_offsets - encode_boxes(targets, boxes)), axis=-1)
    return mean_where(entropy, box_area(boxes) > 0), mean_where(miss, labels > 0)


def own_class_masks(masks, labels):
    """The map of each region's own class: [B, N, h, w, classes], [B, N] -> [B, N, h, w]."""
    class_first = tf.transpose(masks, [0, 1, 4, 2, 3])
    return tf.gather(class_first, tf.maximum(labels - 1, 0), axis=2, batch_dims=2)


def mask_loss(logits, labels, targets):
    """Mean binary cross-entropy on the own class's map alone; targets 0/1 [B, N, h, w]."""
    logits = own_class_masks(logits, labels)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(targets, logits)
    return mean_where(tf.reduce_mean(entropy, axis=[2, 3]), labels > 0)


def crop_masks(masks, boxes, bins):
    """Training targets: masks [B, N, H, W] inside boxes [B, N, 4] -> 0/1 [B, N, bins, bins]."""
    y1, x1, y2, x2 = tf.unstack(boxes, axis=-1)
    row_weights = align_weights(y1, y2, 1, masks.shape[2], bins)
    column_weights = align_weights(x1, x2, 1, masks.shape[3], bins)
    covered = row_weights @ masks @ tf.linalg.matrix_transpose(column_weights)
    return tf.cast(covered >= 0.5, tf.float32)


def paste_masks(masks, boxes, image_size):
    """The way back: probabilities [B, N, h, w] laid into their boxes -> bool [B, N, S, S]."""

    def weights(low, high, size):
        pixels = tf.range(image_size, dtype=tf.float32) + 0.5
        low, high = low[..., None], high[..., None]
        place = (pixels - low) / tf.maximum(high - low, 1.0)  # 0..1 inside the box
        inside = tf.cast((pixels > low) & (pixels < high), tf.float32)
        return bilinear_weights(place * size - 0.5, size) * inside[..., None]

    y1, x1, y2, x2 = tf.unstack(boxes, axis=-1)
    rows, columns = weights(y1, y2, masks.shape[2]), weights(x1, x2, masks.shape[3])
    return rows @ masks @ tf.linalg.matrix_transpose(columns) >= 0.5
