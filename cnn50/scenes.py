"""Procedural pictures whose boxes, masks and depths are known exactly.

``shapes``      pictures of discs, squares and triangles that overlap
``occlude``     the same pictures with part of every object covered
``relight``     pictures under another brightness, contrast or direction of light
``moving``      short videos of moving shapes that keep their identity
``text_lines``  lines of text in the fonts that come with Matplotlib

Every generator is vectorised and takes a ``seed``: the same arguments give the same arrays, on
every machine, up to the rounding of float32 arithmetic. Pictures are float32 [H, W, 3] in 0..1.
Boxes are (y1, x1, y2, x2) in pixels and half-open: pixel ``i`` covers ``[i, i + 1)`` and its
centre lies at ``i + 0.5``, so a mask of one pixel at the origin has the box (0, 0, 1, 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

SHAPE_NAMES = ("disc", "square", "triangle")
"""What the labels 1, 2 and 3 of ``shapes`` mean; label 0 is padding."""

LEAST_VISIBLE = 0.4
"""An object that shows a smaller fraction of its area than this is left out of a scene."""

_CHUNK = 50  # scenes drawn at a time, which bounds the memory of the intermediate arrays


@dataclass(frozen=True)
class Scenes:
    """n pictures with at most k objects each. Slots behind the last object are padding.

    images  float32 [n, H, W, 3], 0..1
    boxes   float32 [n, k, 4], pixels, tight around what is visible; zeros in padding
    labels  int32 [n, k]; 0 is padding
    masks   bool [n, k, H, W], the visible pixels of each object; no pixel belongs to two objects
    full    bool [n, k, H, W], all pixels of each object, hidden ones included

    Slots are in depth order: a later slot lies in front of an earlier one.
    """

    images: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    masks: np.ndarray
    full: np.ndarray

    def __len__(self) -> int:
        return len(self.images)

    def take(self, rows: np.ndarray | slice) -> Scenes:
        """The scenes at ``rows``, in that order."""
        return Scenes(
            self.images[rows],
            self.boxes[rows],
            self.labels[rows],
            self.masks[rows],
            self.full[rows],
        )


def shapes(n: int, *, size: int = 64, max_objects: int = 4, seed: int) -> Scenes:
    """Scenes of 1 to ``max_objects`` turned discs, squares and triangles that may overlap.

    n            number of scenes, at least 1
    size         height and width in pixels, at least 32; shapes grow with it (radius size / 8
                 to size / 4, about)
    max_objects  slots per scene, at least 1
    seed         any whole number

    Colours, textures and noise are random, so that a shape is told by its outline alone. An object
    of which less than ``LEAST_VISIBLE`` shows is left out; each scene keeps at least one.
    Raises ``ValueError`` for a number out of range.
    """
    if n < 1 or size < 32 or max_objects < 1:
        raise ValueError(
            f"shapes needs n >= 1, size >= 32 and max_objects >= 1; "
            f"got n={n}, size={size}, max_objects={max_objects}."
        )
    rng = np.random.default_rng(seed)
    parts = [
        _draw_shapes(min(_CHUNK, n - start), size, max_objects, rng)
        for start in range(0, n, _CHUNK)
    ]
    return _join(parts)


def occlude(scenes: Scenes, fraction: float, *, seed: int) -> Scenes:
    """The scenes with a grey patch over part of each object, as something in front would do.

    scenes    what ``shapes`` gave; it is not changed
    fraction  share of each object's box that its patch covers, 0 to 1; the patch grows from the
              top, the bottom, the left or the right, and its border is rounded to whole pixels
    seed      chooses sides and shades

    Boxes and labels stay as they were, since a person would still mark the whole object; ``masks``
    loses what is covered (also by a neighbour's patch), and ``full`` stays.
    Raises ``ValueError`` for a fraction out of range.
    """
    if not 0 <= fraction <= 1:
        raise ValueError(f"fraction must be 0 to 1; got {fraction}.")
    rng = np.random.default_rng(seed)
    y1, x1, y2, x2 = np.moveaxis(scenes.boxes, -1, 0)
    height, width = fraction * (y2 - y1), fraction * (x2 - x1)
    side = rng.integers(0, 4, scenes.labels.shape)
    patches = np.stack(
        [
            np.where(side == 1, y2 - height, y1),
            np.where(side == 3, x2 - width, x1),
            np.where(side == 0, y1 + height, y2),
            np.where(side == 2, x1 + width, x2),
        ],
        axis=-1,
    )
    size = scenes.images.shape[1]
    covers = _filled(np.round(patches), size) & (scenes.labels > 0)[..., None, None]
    images = scenes.images.copy()
    for slot in range(covers.shape[1]):
        shade = rng.uniform(0.3, 0.7, (len(scenes), 1, 1, 1)).astype(np.float32)
        shade = shade + 0.03 * rng.standard_normal(images.shape, dtype=np.float32)
        images = np.where(covers[:, slot, :, :, None], np.clip(shade, 0, 1), images)
    masks = scenes.masks & ~covers.any(axis=1, keepdims=True)
    return replace(scenes, images=images, masks=masks)


def relight(
    images: np.ndarray,
    *,
    gain: float = 1.0,
    gamma: float = 1.0,
    direction: float = 0.0,
    strength: float = 0.0,
) -> np.ndarray:
    """The pictures under another light: ``clip(gain * slope * images ** gamma, 0, 1)``.

    images     float [..., H, W, C], 0..1
    gain       brightness, 0 or more; 1 changes nothing
    gamma      above 1 darkens the middle tones, below 1 lightens them; above 0
    direction  where the light comes from, in radians: 0 is the right border, pi / 2 the top
    strength   0 to 1; ``slope`` runs from 1 + strength on the lit side to 1 - strength on the
               other, linearly, along the direction

    Returns float32 of the same shape. Raises ``ValueError`` for a number out of range.
    """
    if gain < 0 or gamma <= 0 or not 0 <= strength <= 1:
        raise ValueError(
            f"relight needs gain >= 0, gamma > 0 and strength 0 to 1; "
            f"got gain={gain}, gamma={gamma}, strength={strength}."
        )
    height, width = images.shape[-3:-1]
    up = 1 - (2 * np.arange(height) + 1) / height  # +1 at the top border, -1 at the bottom
    right = (2 * np.arange(width) + 1) / width - 1
    along = np.sin(direction) * up[:, None] + np.cos(direction) * right
    furthest = abs(np.sin(direction)) + abs(np.cos(direction))
    slope = 1 + strength * along[:, :, None] / furthest
    return np.clip(gain * slope * images**gamma, 0, 1).astype(np.float32)


@dataclass(frozen=True)
class Videos:
    """n videos of t frames with k objects each; a slot is the same object in all frames.

    images      float32 [n, t, H, W, 3], 0..1
    boxes       float32 [n, t, k, 4], pixels, tight around what is visible; zeros where nothing is
    labels      int32 [n, k]: 1, 2, 3 as in ``SHAPE_NAMES``
    identities  int32 [n, t, k]: slot + 1 where the object shows, 0 where it is hidden
    masks       bool [n, t, k, H, W], visible pixels
    full        bool [n, t, k, H, W], all pixels inside the picture, hidden ones included

    Later slots lie in front of earlier ones, in every frame.
    """

    images: np.ndarray
    boxes: np.ndarray
    labels: np.ndarray
    identities: np.ndarray
    masks: np.ndarray
    full: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


def moving(
    n: int, *, frames: int = 16, size: int = 64, objects: int = 3, speed: float = 2.0, seed: int
) -> Videos:
    """Videos of shapes that move straight on, turn steadily, and bounce off the border.

    n        number of videos, at least 1
    frames   frames per video, at least 1
    size     height and width in pixels, at least 32
    objects  objects per video, at least 1; they pass in front of one another
    speed    fastest step of an object's centre along either axis, pixels per frame, 0 or more
    seed     any whole number

    Colours and textures stay for the whole video; only the noise is new in each frame.
    Raises ``ValueError`` for a number out of range.
    """
    if n < 1 or frames < 1 or size < 32 or objects < 1 or speed < 0:
        raise ValueError(
            f"moving needs n, frames and objects >= 1, size >= 32 and speed >= 0; got n={n}, "
            f"frames={frames}, size={size}, objects={objects}, speed={speed}."
        )
    rng = np.random.default_rng(seed)
    kind = rng.integers(0, len(SHAPE_NAMES), (n, objects))
    radius = rng.uniform(size / 10, size / 6, (n, 1, objects))
    start = rng.uniform(0, 1, (n, 1, objects, 2)) * size
    step = rng.uniform(-speed, speed, (n, 1, objects, 2))
    time = np.arange(frames)[:, None]
    path = start + step * time[..., None]
    centre = size / 2 - np.abs(np.mod(path, 2 * size) - size) + size / 2  # bounces at 0 and size
    angle = (
        rng.uniform(0, 2 * np.pi, (n, 1, objects)) + rng.uniform(-0.2, 0.2, (n, 1, objects)) * time
    )
    shape = (n * frames, objects)
    full = _outlines(
        np.repeat(kind, frames, axis=0),
        centre.reshape(*shape, 2),
        np.repeat(radius[:, 0], frames, axis=0),
        angle.reshape(shape),
        size,
    )
    masks = visible_masks(full)
    images = _paint(masks, rng, frames)
    shows = masks.any(axis=(-2, -1)).reshape(n, frames, objects)
    return Videos(
        images.reshape(n, frames, size, size, 3),
        tight_boxes(masks).reshape(n, frames, objects, 4),
        (kind + 1).astype(np.int32),
        np.where(shows, np.arange(1, objects + 1), 0).astype(np.int32),
        masks.reshape(n, frames, objects, size, size),
        full.reshape(n, frames, objects, size, size),
    )


@dataclass(frozen=True)
class Lines:
    """n pictures of one line of text each.

    images  float32 [n, H, W], 0 (paper) to 1 (ink)
    texts   the n strings
    boxes   float32 [n, k, 4], pixels, tight around the ink of each character in its order; zeros
            for blanks and behind the last character; k is the length of the longest text
    fonts   the n names of the font files used
    """

    images: np.ndarray
    texts: tuple[str, ...]
    boxes: np.ndarray
    fonts: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)


@cache
def text_fonts() -> tuple[str, ...]:
    """Names of the font files of Matplotlib that hold upright and slanted Latin text, sorted."""
    families = ("DejaVuSans", "DejaVuSansMono", "DejaVuSerif", "STIXGeneral", "cmr", "cmss", "cmtt")
    odd = ("Display", "NonUni")
    names = sorted(path.stem for path in _font_folder().glob("*.ttf"))
    return tuple(
        name for name in names if name.startswith(families) and not any(o in name for o in odd)
    )


def text_lines(
    texts: Sequence[str],
    *,
    height: int = 32,
    width: int = 160,
    spacing: int = 1,
    noise: float = 0.03,
    fonts: Sequence[str] | None = None,
    seed: int,
) -> Lines:
    """Pictures of short texts, each in a random font, size and place.

    texts    at least one string of at least one character each
    height   pixels, at least 16; letters are about half to three quarters as high
    width    pixels
    spacing  pixels between the ink of neighbouring characters; 0 or less makes them touch
    noise    standard deviation of the noise on each pixel
    fonts    names from ``text_fonts``; all of them where none are given
    seed     any whole number

    Raises ``ValueError`` where a number is out of range, a font is unknown, or a text is too wide
    for the picture even in the smallest size.
    """
    fonts = tuple(fonts) if fonts is not None else text_fonts()
    if not texts or not all(texts) or height < 16 or noise < 0:
        raise ValueError("text_lines needs texts that are not empty, height >= 16 and noise >= 0.")
    unknown = set(fonts) - set(text_fonts())
    if unknown or not fonts:
        raise ValueError(f"Unknown fonts {sorted(unknown)}; text_fonts() lists those there are.")
    rng = np.random.default_rng(seed)
    images = np.zeros((len(texts), height, width), np.float32)
    boxes = np.zeros((len(texts), max(map(len, texts)), 4), np.float32)
    used = []
    for row, text in enumerate(texts):
        name = fonts[rng.integers(len(fonts))]
        points = int(rng.integers(height // 2, height * 3 // 4 + 1))
        line, found = _write_line(text, name, points, spacing)
        while line.shape[0] > height or line.shape[1] > width:
            points -= 1
            if points < 8:
                raise ValueError(f"{text!r} does not fit into {width} pixels: make width larger.")
            line, found = _write_line(text, name, points, spacing)
        top = int(rng.integers(height - line.shape[0] + 1))
        left = int(rng.integers(width - line.shape[1] + 1))
        images[row, top : top + line.shape[0], left : left + line.shape[1]] = line
        inked = found[:, 2] > found[:, 0]
        boxes[row, : len(text)] = np.where(inked[:, None], found + [top, left, top, left], 0)
        used.append(name)
    images += noise * rng.standard_normal(images.shape, dtype=np.float32)
    return Lines(np.clip(images, 0, 1), tuple(texts), boxes, tuple(used))


def tight_boxes(masks: np.ndarray) -> np.ndarray:
    """The smallest half-open box around each mask: bool [..., H, W] -> float32 [..., 4].

    An empty mask gives the box (0, 0, 0, 0).
    """
    edges = []
    for axis in (-1, -2):  # rows that hold a pixel, then columns
        occupied = masks.any(axis=axis)
        first = occupied.argmax(axis=-1)
        last = occupied.shape[-1] - occupied[..., ::-1].argmax(axis=-1)
        edges.append((first, np.where(occupied.any(axis=-1), last, 0)))
    (top, bottom), (left, right) = edges
    return np.stack([top, left, bottom, right], axis=-1).astype(np.float32)


def visible_masks(full: np.ndarray) -> np.ndarray:
    """What each object shows when later slots lie in front: bool [n, k, H, W] -> the same shape."""
    visible = np.zeros_like(full)
    in_front = np.zeros_like(full[:, 0])
    for slot in reversed(range(full.shape[1])):
        visible[:, slot] = full[:, slot] & ~in_front
        in_front |= full[:, slot]
    return visible


def _draw_shapes(n: int, size: int, slots: int, rng: np.random.Generator) -> Scenes:
    kind = rng.integers(0, len(SHAPE_NAMES), (n, slots))
    growth = np.array([0.85, 1.0, 1.15])[kind]  # a triangle covers less of its circle than a disc
    radius = rng.uniform(size / 8, size * 15 / 64, (n, slots)) * growth
    centre = rng.uniform(size * 10 / 64, size * 54 / 64, (n, slots, 2))
    full = _outlines(kind, centre, radius, rng.uniform(0, 2 * np.pi, (n, slots)), size)

    wanted = np.arange(slots) < rng.integers(1, slots + 1, (n, 1))
    full &= wanted[:, :, None, None]
    shown = visible_masks(full).sum(axis=(2, 3))
    area = full.sum(axis=(2, 3))
    kept = (area > 0) & (shown >= LEAST_VISIBLE * area)
    order = np.argsort(~kept, axis=1, kind="stable")  # padding goes last, depth order stays
    kind, kept = (np.take_along_axis(a, order, axis=1) for a in (kind, kept))
    full = np.take_along_axis(full, order[:, :, None, None], axis=1) & kept[:, :, None, None]

    masks = visible_masks(full)
    images = _paint(masks, rng)
    labels = np.where(kept, kind + 1, 0).astype(np.int32)
    return Scenes(images, tight_boxes(masks), labels, masks, full)


def _outlines(
    kind: np.ndarray, centre: np.ndarray, radius: np.ndarray, angle: np.ndarray, size: int
) -> np.ndarray:
    """Pixels inside each shape. kind, radius, angle [n, k], centre [n, k, 2] -> [n, k, H, W]."""
    centre, radius, angle = (a.astype(np.float32) for a in (centre, radius, angle))
    axis = np.arange(size, dtype=np.float32) + 0.5
    down = axis[:, None] - centre[..., 0, None, None]
    right = axis[None, :] - centre[..., 1, None, None]
    cosine, sine = np.cos(angle)[..., None, None], np.sin(angle)[..., None, None]
    along, across = cosine * right + sine * down, cosine * down - sine * right
    radius = radius[..., None, None]
    kind = kind[..., None, None]
    disc = along * along + across * across <= radius * radius
    across = np.abs(across)
    square = np.maximum(np.abs(along), across) <= radius * np.float32(np.sqrt(0.5))
    slanted = np.float32(np.sqrt(0.75)) * across - along / 2  # the two sides that meet at the tip
    triangle = np.maximum(slanted, along) <= radius / 2
    return np.where(kind == 0, disc, np.where(kind == 1, square, triangle))


def _paint(masks: np.ndarray, rng: np.random.Generator, frames: int = 1) -> np.ndarray:
    """A textured ground, each object in a colour of its own, noise: float32 [n, H, W, 3].

    Each run of ``frames`` pictures shares its colours and textures.
    """
    slots, size = masks.shape[1:3]
    n = len(masks) // frames
    ground = rng.uniform(0.35, 0.65, (n, 3, 1, 1)).astype(np.float32)
    images = ground + 0.08 * _waves(rng, n, size)  # channels first: [n, 3, H, W]
    images = np.repeat(images, frames, axis=0)
    for slot in range(slots):
        contrast = rng.choice([-1.0, 1.0], (n, 3, 1, 1)) * rng.uniform(0.2, 0.5, (n, 3, 1, 1))
        colour = (0.5 + contrast).astype(np.float32) + 0.05 * _waves(rng, n, size)
        images = np.where(masks[:, slot, None], np.repeat(colour, frames, axis=0), images)
    images += 0.03 * rng.standard_normal(images.shape, dtype=np.float32)
    return np.ascontiguousarray(np.clip(images, 0, 1).transpose(0, 2, 3, 1))


def _waves(rng: np.random.Generator, n: int, size: int) -> np.ndarray:
    """One smooth texture in -1..1 for every picture and channel: float32 [n, 3, H, W]."""
    fastest = 0.6 * 64 / size  # radians per pixel
    down, right = rng.uniform(-fastest, fastest, (2, n, 3, 1)).astype(np.float32)
    axis = np.arange(size, dtype=np.float32)
    rows = down * axis + rng.uniform(0, 2 * np.pi, (n, 3, 1)).astype(np.float32)
    columns = right * axis
    waves_of_rows = np.stack([np.sin(rows), np.cos(rows)], axis=-1)  # [n, 3, H, 2]
    waves_of_columns = np.stack([np.cos(columns), np.sin(columns)], axis=-2)  # [n, 3, 2, W]
    return waves_of_rows @ waves_of_columns  # sin(a) cos(b) + cos(a) sin(b) = sin(a + b)


def _filled(boxes: np.ndarray, size: int) -> np.ndarray:
    """Pixels whose centre lies in each box: [..., 4] -> bool [..., size, size]."""
    centres = np.arange(size) + 0.5
    y1, x1, y2, x2 = np.moveaxis(boxes[..., None], -2, 0)  # each [..., 1]
    rows = (centres > y1) & (centres < y2)
    columns = (centres > x1) & (centres < x2)
    return rows[..., :, None] & columns[..., None, :]


def _font_folder() -> Path:
    return Path(matplotlib.get_data_path()) / "fonts" / "ttf"


@cache
def _font(name: str, points: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(_font_folder() / f"{name}.ttf"), points)


@cache
def _glyph(character: str, name: str, points: int) -> tuple[np.ndarray, int]:
    """The ink of one character, float32 [h, w] in 0..1, and its top against the line's top."""
    font = _font(name, points)
    left, top, right, bottom = font.getbbox(character)
    if right <= left or bottom <= top:  # a blank
        return np.zeros((0, max(points // 3, 1)), np.float32), 0
    canvas = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4))
    ImageDraw.Draw(canvas).text((2 - left, 2 - top), character, font=font, fill=255)
    ink = np.asarray(canvas, np.float32) / 255
    y1, x1, y2, x2 = tight_boxes(ink > 0).astype(int)
    return ink[y1:y2, x1:x2], int(top) - 2 + y1


def _write_line(text: str, name: str, points: int, spacing: int) -> tuple[np.ndarray, np.ndarray]:
    """One line of ink, float32 [h, w], cropped in height, and its characters' boxes [len, 4]."""
    glyphs = [_glyph(character, name, points) for character in text]
    tops = [top for ink, top in glyphs if len(ink)] or [0]
    bottoms = [top + len(ink) for ink, top in glyphs if len(ink)] or [1]
    highest = min(tops)
    width = max(sum(ink.shape[1] + spacing for ink, _ in glyphs) - spacing, 1)
    line = np.zeros((max(bottoms) - highest, width + abs(spacing) * len(text)), np.float32)
    boxes = np.zeros((len(text), 4), np.float32)
    left = 0
    for number, (ink, top) in enumerate(glyphs):
        rows = slice(top - highest, top - highest + len(ink))
        columns = slice(left, left + ink.shape[1])
        line[rows, columns] = np.maximum(line[rows, columns], ink)
        boxes[number] = rows.start, left, rows.stop, columns.stop
        left = max(columns.stop + spacing, 0)
    return line[:, : int(max(boxes[:, 3]))], boxes


def _join(parts: list[Scenes]) -> Scenes:
    fields = ("images", "boxes", "labels", "masks", "full")
    return Scenes(*(np.concatenate([getattr(part, name) for part in parts]) for name in fields))
