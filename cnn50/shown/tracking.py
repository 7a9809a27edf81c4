"""Films of patches that move over photographs, trackers of one target, and how they are graded.

These functions and classes stand, word for word, on the page of question 6, where they are
explained and tested; a test holds the two together. Edit the page first. Places are (y, x) in
pixels. A film is an array (t, h, w) of grey values from 0 to 1, and n of them are tracked at once.
"""

# mypy: disallow-untyped-defs=False, check-untyped-defs=False

import numpy as np
from scipy.signal import fftconvolve

RADIUS = 16.0  # of every patch, in pixels


def sample(pictures, which, y, x):
    """Pictures (m, h, w) read at places (y, x) between the middles of their pixels."""
    h, w = pictures.shape[1:]
    y, x = np.clip(y, 0, h - 1.001), np.clip(x, 0, w - 1.001)
    i, j = y.astype(int), x.astype(int)
    a, b = np.float32(y - i), np.float32(x - j)
    upper = (1 - b) * pictures[which, i, j] + b * pictures[which, i, j + 1]
    lower = (1 - b) * pictures[which, i + 1, j] + b * pictures[which, i + 1, j + 1]
    return (1 - a) * upper + a * lower


def paste(films, places, pictures, which, middle, angle, scale, gain):
    """Draw a round patch of pictures[which] around middle (n, 2) into films (n, t, h, w)."""
    side = int(2 * np.ceil(RADIUS * scale.max()) + 3)
    corner = np.round(places).astype(int) - side // 2
    y = corner[..., :1, None] + np.arange(side)[:, None]
    x = corner[..., 1:, None] + np.arange(side)
    dy, dx = y - places[..., :1, None], x - places[..., 1:, None]
    turn, size, gain = (value[..., None, None] for value in (angle, scale, gain))
    at = [middle[:, k, None, None, None] for k in (0, 1)]
    v = at[0] + (np.cos(turn) * dy - np.sin(turn) * dx) / size
    u = at[1] + (np.sin(turn) * dy + np.cos(turn) * dx) / size
    cover = np.float32(np.clip(RADIUS * size + 0.5 - np.hypot(dy, dx), 0, 1))
    n, t = (np.arange(k) for k in films.shape[:2])
    where = n[:, None, None, None], t[:, None, None], y, x
    look = np.float32(gain * sample(pictures, which[:, None, None, None], v, u))
    films[where] += cover * (look - films[where])


def paths(n, frames, speed, size, rng):
    """Places (n, t, 2) of something that moves at one speed, bends a little, and bounces."""
    low, high = 24, np.array(size) - 24
    place, heading = rng.uniform(low, high, (n, 2)), rng.uniform(0, 2 * np.pi, n)
    found = [place]
    for _ in range(frames - 1):
        heading = heading + rng.normal(0, 0.25, n)
        step = speed * np.stack([np.sin(heading), np.cos(heading)], axis=1)
        out = (place + step < low) | (place + step > high)
        step = np.where(out, -step, step)
        heading = np.arctan2(step[:, 0], step[:, 1])
        place = np.clip(place + step, low, high)
        found.append(place)
    return np.stack(found, axis=1)


def off(found, places):
    """Pixels between found and true places, (n, t, 2) each, without the first frame: (n, t - 1)."""
    return np.linalg.norm(found - places, axis=2)[:, 1:]


def kept(found, places, within=8):
    """Percent of frames, for each film, in which the found place is within 8 pixels."""
    return 100 * (off(found, places) <= within).mean(axis=1)


def squares_iou(found, places, side=32):
    """Intersection over union of two squares of one size, (n, t - 1)."""
    both = np.prod(np.maximum(side - np.abs(found - places)[:, 1:], 0), axis=2)
    return both / (2 * side**2 - both)


class Maps:
    """Features (n, t, h, w, c) of films; cell k has its middle at pixel first + stride * k."""

    def __init__(self, cells, stride=1, first=0.0):
        self.cells, self.stride, self.first = cells, stride, first

    def read(self, t, at, side):
        """A window of side x side cells around pixels at (n, 2), also between cells."""
        n, _, h, w, _ = self.cells.shape
        top = (at - self.first) / self.stride - (side - 1) / 2
        i = np.floor(top).astype(int)
        a, b = np.float32(top - i).T[:, :, None, None, None]
        y = np.clip(i[:, :1] + np.arange(side + 1), 0, h - 1)[:, :, None]
        x = np.clip(i[:, 1:] + np.arange(side + 1), 0, w - 1)[:, None, :]
        window = self.cells[np.arange(n)[:, None, None], t, y, x]
        window = (1 - a) * window[:, :-1] + a * window[:, 1:]
        return (1 - b) * window[:, :, :-1] + b * window[:, :, 1:]


def bell(side, width):
    """A bell (side, side) with its top, 1, in the middle."""
    square = (np.arange(side) - (side - 1) / 2) ** 2
    return np.exp(-(square[:, None] + square) / (2 * width**2))


def peak(scores):
    """Where scores (n, p, p) are largest, from the middle (n, 2), refined by a parabola."""
    n, p, _ = scores.shape
    at = np.stack(np.divmod(scores.reshape(n, -1).argmax(axis=1), p), axis=1)
    i, j = np.clip(at, 1, p - 2).T
    row, middle, shift = np.arange(n), scores[np.arange(n), i, j], np.zeros((n, 2))
    for axis, (di, dj) in enumerate(((1, 0), (0, 1))):
        before, after = scores[row, i - di, j - dj], scores[row, i + di, j + dj]
        bent = np.minimum(before - 2 * middle + after, -1e-9)
        shift[:, axis] = np.clip((before - after) / (2 * bent), -0.5, 0.5)
    return np.where((at > 0) & (at < p - 1), at + shift, at) - (p - 1) / 2


def follow(maps, start, model, wide, doubt=0, coast=False, stand=False):
    """Places (n, t, 2) of the targets that stand at start (n, 2) in the first frame."""
    at, speed, found = start, np.zeros_like(start), [start]
    model.start(maps.read(0, at, model.size))
    for t in range(1, maps.cells.shape[1]):
        guess = at + speed if coast else at
        scores = model.score(maps.read(t, guess, model.size))
        sure = scores.max(axis=(1, 2)) >= doubt
        prior = bell(scores.shape[1], wide / maps.stride)
        new = guess + maps.stride * peak(np.maximum(scores, 0) * prior)
        new = np.where(sure[:, None], new, guess) if coast or stand else new
        if coast:
            speed = np.where(sure[:, None], 0.7 * speed + 0.3 * (new - at), speed)
        at = np.clip(new, 0, maps.stride * np.array(maps.cells.shape[2:4]))
        found.append(at)
        model.learn(maps.read(t, at, model.size), sure)
    return np.stack(found, axis=1)


def sums(x, m):
    """Sums of x (n, s, s) over all blocks of m x m: (n, s - m + 1, s - m + 1)."""
    c = np.pad(np.float64(x), ((0, 0), (1, 0), (1, 0))).cumsum(axis=1).cumsum(axis=2)
    return np.float32(c[:, m:, m:] - c[:, :-m, m:] - c[:, m:, :-m] + c[:, :-m, :-m])


def correlate(windows, templates, centred=False):
    """Cosine of templates (n, m, m, c) with each block of windows (n, s, s, c): (n, p, p)."""
    m = templates.shape[1]
    squares = sums((windows**2).sum(axis=3), m)
    if centred:  # pixels: each block and the template less their mean, one channel
        templates = templates - templates.mean(axis=(1, 2), keepdims=True)
        squares = squares - sums(windows[..., 0], m) ** 2 / m**2
        products = fftconvolve(windows[..., 0], templates[:, ::-1, ::-1, 0], "valid", axes=(1, 2))
    else:
        blocks = np.lib.stride_tricks.sliding_window_view(windows, (m, m), axis=(1, 2))
        products = np.einsum("npqcab,nabc->npq", blocks, templates)
    norms = np.maximum((templates**2).sum(axis=(1, 2, 3)), 1e-6)
    return products / np.sqrt(np.maximum(squares, 1e-6) * norms[:, None, None])


class Template:
    """Score by the cosine with what was shown; with a memory, also with what was found since."""

    def __init__(self, side, reach, memory=0, centred=False):
        self.side, self.reach, self.memory, self.centred = side, reach, memory, centred
        self.size = side + 2 * reach

    def middle(self, window):
        inner = slice(self.reach, self.reach + self.side)
        patch = window[:, inner, inner]
        return patch / np.sqrt(np.maximum((patch**2).sum(axis=(1, 2, 3), keepdims=True), 1e-6))

    def start(self, window):
        self.first = self.now = self.middle(window)
        self.frame, self.later = 0, []

    def score(self, window):
        return correlate(window, self.now, self.centred)

    def learn(self, window, sure):
        self.frame += 1
        if self.memory and self.frame % 3 == 0:
            patch = np.where(sure[:, None, None, None], self.middle(window), self.first)
            self.later = [*self.later, patch][-self.memory :]
            self.now = np.mean([self.first, *self.later], axis=0)
