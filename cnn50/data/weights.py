"""Pretrained networks and the names of their classes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from cnn50.data.access import path


def mobilenetv2_imagenet() -> Path:
    """The weights of MobileNetV2, trained on ImageNet-1k, with the classification layer.

    Returns:
        the path of an HDF5 file for `keras.applications.MobileNetV2(weights=...)`. That network
        takes float32 (n, 224, 224, 3) in -1 to 1 and returns 1000 class probabilities.

    Licence: Apache-2.0. Credit: Google, distributed by Keras Applications.
    """
    return path("mobilenetv2_imagenet")


def imagenet_classes() -> tuple[str, ...]:
    """Short names of the 1,000 classes of ImageNet-1k; entry k names output k.

    Licence: MIT. Credit: Illia Volkov and Nikita Kisel.
    """
    listed = json.loads(path("imagenet_classes").read_text(encoding="utf-8"))
    return tuple(listed)


@dataclass(frozen=True)
class Detector:
    """A trained object detector.

    Attributes:
        graph: the path of a frozen TensorFlow graph.
        classes: names; column k of the scores, counted from 1, is `classes[k - 1]`, and column 0
            is the background.
    """

    graph: Path
    classes: tuple[str, ...]


def ssd_mobilenetv3_coco() -> Detector:
    """An SSD detector with a MobileNetV3-Large backbone, trained on COCO.

    Returns:
        a frozen graph and 90 names, of which 10 are unused. The graph takes
        "normalized_input_image_tensor", float32 (1, 320, 320, 3) in -1 to 1, and gives, for each
        of its 2034 anchors, "raw_outputs/box_encodings" (1, 2034, 4), the offsets
        (10 dy / h, 10 dx / w, 5 log height / h, 5 log width / w) from the anchor,
        "raw_outputs/class_predictions" (1, 2034, 91), scores from 0 to 1, and "anchors" (2034, 4):
        centre y, centre x, height h and width w, from 0 to 1.

    The last node, "TFLite_Detection_PostProcess" (decoding and suppression of doubles), exists in
    TensorFlow Lite only: remove it from the graph before importing it.

    Licence: Apache-2.0. Credit: TensorFlow Object Detection API, Google.
    """
    listed = path("ssd_mobilenetv3_coco", "labels.txt").read_text(encoding="utf-8")
    graph = path("ssd_mobilenetv3_coco", "frozen_inference_graph.pb")
    return Detector(graph, tuple(listed.splitlines()[:90]))
