"""COCO's average precision for padded arrays, through pycocotools.

Pages that judge detections import these functions; they hand arrays to COCO's own code and stand
on no page. Labels are 1, 2, ...; 0 is padding. pycocotools prints what it does:
``measure_scenes`` keeps it quiet.
"""

# mypy: disallow-untyped-defs=False, check-untyped-defs=False

import contextlib
import copy
import io

import numpy as np
from pycocotools import mask as run_length
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def coco_rows(boxes, labels, masks, scores=None):
    """Padded arrays as COCO's list of objects, one dict each."""
    rows = []
    for image, slot in zip(*np.nonzero(labels), strict=True):
        y1, x1, y2, x2 = boxes[image, slot].tolist()
        mask = masks[image, slot]
        row = {
            "id": len(rows) + 1,
            "image_id": int(image),
            "category_id": int(labels[image, slot]),
            "bbox": [x1, y1, x2 - x1, y2 - y1],
            "segmentation": run_length.encode(np.asfortranarray(mask, np.uint8)),
            "area": float(mask.sum()),
            "iscrowd": 0,
        }
        rows.append(row if scores is None else row | {"score": float(scores[image, slot])})
    return rows


def coco_data(rows, images, image_size, classes):
    """An in-memory COCO data set of so many square images and classes."""
    data = COCO()
    size = {"height": image_size, "width": image_size}
    data.dataset = {
        "images": [{"id": number, **size} for number in range(images)],
        "categories": [{"id": number} for number in range(1, classes + 1)],
        "annotations": rows,
    }
    data.createIndex()
    return data


def judge(truth, found, kind, most):
    """Match detections with the truth by boxes ("bbox") or masks ("segm"), most per image."""
    judged = COCOeval(truth, found, kind)
    judged.params.areaRng, judged.params.areaRngLbl = [[0, 1e10]], ["all"]
    judged.params.maxDets = [most]
    judged.evaluate()
    return judged


def average_precision(judged, images):
    """AP, AP50 and AP75 in points over these images; one listed twice counts twice."""
    cells = np.array(judged.evalImgs, dtype=object).reshape(-1, len(judged.params.imgIds))
    resampled = copy.copy(judged)
    resampled.evalImgs = list(cells[:, images].ravel())  # cells is [class, image]
    resampled.accumulate()
    precision = resampled.eval["precision"][..., 0, 0]  # [IoU 0.50 ... 0.95, recall, class]
    chosen = {"AP": precision, "AP50": precision[0], "AP75": precision[5]}
    return {name: 100 * p[p > -1].mean() for name, p in chosen.items()}


def measure_scenes(scenes, kind, found, masks, classes=3):
    """AP, AP50 and AP75 of what was found in scenes, by boxes ("bbox") or masks ("segm").

    scenes  what ``cnn50.scenes.shapes`` gives
    found   arrays "boxes" [n, D, 4], "labels" [n, D] and "scores" [n, D]
    masks   bool [n, D, H, W]
    """
    shape = (len(scenes.labels), scenes.images.shape[1], classes)
    with contextlib.redirect_stdout(io.StringIO()):  # pycocotools reports every step
        truth = coco_data(coco_rows(scenes.boxes, scenes.labels, scenes.masks), *shape)
        rows = coco_rows(found["boxes"], found["labels"], masks, found["scores"])
        judged = judge(truth, coco_data(rows, *shape), kind, found["labels"].shape[1])
        return average_precision(judged, np.arange(shape[0]))
