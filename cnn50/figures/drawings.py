"""Drawings of architectures, data flow and geometry, as crisp vectors that follow light and dark.

A drawing is declared, not placed: a *plan* of names says where each block stands, as
``grid-template-areas`` does in CSS, and arrows join the names. Two plans of the same blocks, for
narrow and for wide places, make two layouts; the browser shows the one that fits.

The result is inline SVG. Its text is text; lines and letters take the colour of the text around
them, and tints are translucent, so that it reads on white and on dark: on the site, whose switch it
follows, in Jupyter and on Colab. What is hard is to lay one declaration out at two widths and to
lead arrows around blocks; what a drawing library would then do is to write rectangles and lines, so
there is none here. Only the widths of words come from Matplotlib, whose font is wider than most.
"""

from __future__ import annotations

import base64
import html
import io
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from matplotlib.font_manager import FontProperties, findfont, get_font
from PIL import Image

from cnn50.figures.base import described, emit

NARROW, WIDE = 340.0, 720.0  # what a row may take, in units; on a phone a unit is one CSS pixel
SIZE, SMALL = 13.0, 11.0  # of the first line of a block, and of all other words
LEADING = 1.25
GAP, ROW_GAP, PAD = 16.0, 28.0, 8.0
COLORS = {
    "blue": "#2a8fd0",
    "orange": "#d9701e",
    "green": "#159a74",
    "purple": "#b871a0",
    "gray": "currentColor",
}
"""Each stands out from white and from the site's dark by a contrast of at least 3 to 1."""

LETTERS = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ε", "eta": "η",
    "theta": "θ", "lambda": "λ", "mu": "μ", "pi": "π", "rho": "ρ", "sigma": "σ",
    "tau": "τ", "phi": "φ", "psi": "ψ", "omega": "ω", "Delta": "Δ", "Sigma": "Σ",
    "times": "×", "cdot": "·", "le": "≤", "ge": "≥", "to": "→", "nabla": "∇",
    "sum": "Σ", "partial": "∂",
}  # fmt: skip

STYLE = (
    ".cnn50-drawing{container-type:inline-size;margin:.6rem 0}"
    ".cnn50-drawing svg{display:block;width:100%;height:auto;margin:0 auto;overflow:visible;"
    "font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif}"
    ".cnn50-drawing .narrow{max-width:27rem}"
    ".cnn50-drawing .wide{display:none;max-width:50rem}"
    "@container (min-width:37rem){.cnn50-drawing .wide{display:block}"
    ".cnn50-drawing .narrow:not(:only-of-type){display:none}}"
)


# ---- Words


@dataclass(frozen=True)
class _Run:
    """Letters of one kind: how far they are raised (-1, 0, 1), and whether they slant."""

    words: str
    raised: int = 0
    slanted: bool = False


def _runs(line: str) -> list[_Run]:
    """A line as runs; ``_``, ``^``, braces and backslashes mean something between dollar signs."""
    runs: list[_Run] = []
    for k, part in enumerate(line.split("$")):
        if k % 2 == 0:
            runs += [_Run(part)] if part else []
            continue
        raised = 0
        for token in re.findall(r"\\([A-Za-z]+)|([_^])|\{([^{}]*)\}|(\s+|.)", part):
            name, mark, group, letter = token
            if mark:
                raised = 1 if mark == "^" else -1
                continue
            words = LETTERS.get(name, name) if name else group or letter
            slanted = len(words) == 1 and words.isalpha()
            runs.append(_Run(words, raised, slanted))
            raised = 0
    return runs


@cache
def _advance(words: str, size: float) -> float:
    font = get_font(findfont(FontProperties(family="DejaVu Sans")))
    font.set_size(100, 72)
    font.set_text(words, 0.0)
    return round(font.get_width_height()[0] / 64 * size / 100, 1)


def _width(line: str, size: float) -> float:
    return sum(_advance(r.words, size * (0.75 if r.raised else 1)) for r in _runs(line))


def _number(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")


def _words(
    line: str, x: float, y: float, size: float, anchor: str = "middle", faint: bool = False
) -> str:
    """One line of text whose middle is at height ``y``."""
    parts, shift = [], 0.0
    for run in _runs(line):
        wanted = -0.33 * size * run.raised
        style = f' dy="{_number(wanted - shift)}"' if wanted != shift else ""
        style += f' font-size="{_number(0.75 * size)}"' if run.raised else ""
        style += ' font-style="italic"' if run.slanted else ""
        shift = wanted
        words = html.escape(run.words, quote=False)
        parts.append(f"<tspan{style}>{words}</tspan>" if style else words)
    where = f'x="{_number(x)}" y="{_number(y + 0.35 * size)}" font-size="{_number(size)}"'
    faded = ' fill-opacity=".8"' if faint else ""
    return (
        f'<text {where} text-anchor="{anchor}" fill="currentColor"{faded}>{"".join(parts)}</text>'
    )


def _paint(color: str, fill: float = 0.0, stroke: float = 1.2) -> str:
    shade = COLORS[color]
    inside = f'fill="{shade}" fill-opacity="{fill:g}"' if fill else 'fill="none"'
    return f'{inside} stroke="{shade}" stroke-width="{stroke:g}"'


def _rectangle(x: float, y: float, w: float, h: float, paint: str, radius: float = 0) -> str:
    corner = f' rx="{radius:g}"' if radius else ""
    place = " ".join(
        f'{k}="{_number(v)}"' for k, v in {"x": x, "y": y, "width": w, "height": h}.items()
    )
    return f"<rect {place}{corner} {paint}/>"


def _polygon(points: Sequence[tuple[float, float]], paint: str) -> str:
    return f'<path d="M{"L".join(f"{_number(x)} {_number(y)}" for x, y in points)}Z" {paint}/>'


# ---- Blocks


@dataclass(frozen=True)
class _Block:
    """Something with lines of text. Subclasses draw more, and say how large they are."""

    lines: tuple[str, ...] = ()
    color: str = "gray"

    def size(self) -> tuple[float, float]:
        return self._text_width() + 16, self._text_height() + 14

    def draw(self, x: float, y: float, w: float, h: float, color: str) -> list[str]:
        fill = 0.06 if color == "gray" else 0.16
        box = _rectangle(x, y, w, h, _paint(color, fill), radius=4)
        return [box, *self._text(x + w / 2, y + (h - self._text_height()) / 2)]

    def side(self, w: float, h: float) -> tuple[float, float]:
        """How far from the sides, and from the top, arrows touch a block of this size."""
        return 0.0, h / 2

    def _sizes(self) -> list[float]:
        return [SIZE if k == 0 else SMALL for k in range(len(self.lines))]

    def _text_width(self) -> float:
        pairs = zip(self.lines, self._sizes(), strict=True)
        return max((_width(line, size) for line, size in pairs), default=0)

    def _text_height(self) -> float:
        return LEADING * sum(self._sizes())

    def _text(self, x: float, top: float) -> list[str]:
        drawn = []
        for k, (line, size) in enumerate(zip(self.lines, self._sizes(), strict=True)):
            drawn.append(_words(line, x, top + LEADING * size / 2, size, faint=k > 0))
            top += LEADING * size
        return drawn


@dataclass(frozen=True)
class _Words(_Block):
    """Text without a box."""

    def size(self) -> tuple[float, float]:
        return self._text_width() + 6, self._text_height() + 4

    def draw(self, x: float, y: float, w: float, h: float, color: str) -> list[str]:
        return self._text(x + w / 2, y + (h - self._text_height()) / 2)


@dataclass(frozen=True)
class _Joint(_Block):
    """A circle around a sign."""

    def size(self) -> tuple[float, float]:
        side = max(22.0, self._text_width() + 12)
        return side, side

    def draw(self, x: float, y: float, w: float, h: float, color: str) -> list[str]:
        where = f'cx="{_number(x + w / 2)}" cy="{_number(y + h / 2)}" r="{_number(h / 2)}"'
        circle = f"<circle {where} {_paint(color, 0.06 if color == 'gray' else 0.16)}/>"
        return [circle, *self._text(x + w / 2, y + (h - self._text_height()) / 2)]


@dataclass(frozen=True)
class _Tensor(_Block):
    """A cuboid; its lines stand below."""

    sides: tuple[float, float, float] = (0, 0, 0)  # front height, front width, depth; units

    def size(self) -> tuple[float, float]:
        tall, broad, deep = self.sides
        return max(broad + deep, self._text_width()) + 4, tall + deep + 6 + self._text_height()

    def side(self, w: float, h: float) -> tuple[float, float]:
        tall, broad, deep = self.sides
        return (w - broad - deep) / 2 - 2, (tall + deep) / 2

    def draw(self, x: float, y: float, w: float, h: float, color: str) -> list[str]:
        tall, broad, deep = self.sides
        left = x + (w - broad - deep) / 2
        right, top, bottom = left + broad, y + deep, y + deep + tall
        top_face = [(left, top), (left + deep, y), (right + deep, y), (right, top)]
        side = [(right, top), (right + deep, y), (right + deep, bottom - deep), (right, bottom)]
        tints = (0.06, 0.12, 0.2) if color == "gray" else (0.16, 0.28, 0.4)
        return [
            _rectangle(left, top, broad, tall, _paint(color, tints[0])),
            _polygon(top_face, _paint(color, tints[1])),
            _polygon(side, _paint(color, tints[2])),
            *self._text(x + w / 2, bottom + 4),
        ]


@dataclass(frozen=True)
class _Grid(_Block):
    """Cells, with what stands in them and on them; its lines stand above."""

    shape: tuple[int, int] = (1, 1)
    cell: float = 24
    values: tuple[tuple[str, ...], ...] = ()
    filled: tuple[tuple[int, int, str], ...] = ()
    boxes: tuple[tuple[float, float, float, float, str], ...] = ()
    points: tuple[tuple[float, float, str], ...] = ()
    picture: str = ""

    def size(self) -> tuple[float, float]:
        rows, columns = self.shape
        title = self._text_height() + 4 if self.lines else 0
        return max(columns * self.cell, self._text_width()) + 6, rows * self.cell + title + 6

    def side(self, w: float, h: float) -> tuple[float, float]:
        rows, columns = self.shape
        return (w - columns * self.cell) / 2 - 2, h - 3 - rows * self.cell / 2

    def draw(self, x: float, y: float, w: float, h: float, color: str) -> list[str]:
        rows, columns = self.shape
        c = self.cell
        left = x + (w - columns * c) / 2
        top = y + h - rows * c - 3
        drawn = self._text(x + w / 2, y)
        if self.picture:
            place = f'x="{_number(left)}" y="{_number(top)}"'
            extent = f'width="{_number(columns * c)}" height="{_number(rows * c)}"'
            drawn.append(f'<image {place} {extent} href="{self.picture}"/>')
        for row, column, shade in self.filled:
            paint = f'fill="{COLORS[shade]}" fill-opacity=".25"'
            drawn.append(_rectangle(left + column * c, top + row * c, c, c, paint))
        lines = "".join(
            f"M{_number(left)} {_number(top + r * c)}h{_number(columns * c)}"
            for r in range(rows + 1)
        ) + "".join(
            f"M{_number(left + k * c)} {_number(top)}v{_number(rows * c)}"
            for k in range(columns + 1)
        )
        faint = ' stroke-opacity=".45"'
        drawn.append(f'<path d="{lines}" {_paint(color, stroke=0.8)}{faint}/>')
        for r, line in enumerate(self.values):
            for k, word in enumerate(line):
                middle = left + (k + 0.5) * c, top + (r + 0.5) * c
                drawn.append(_words(word, *middle, min(12.0, max(SMALL, c / 2))))
        for y1, x1, y2, x2, shade in self.boxes:
            corner, size = (left + x1 * c, top + y1 * c), ((x2 - x1) * c, (y2 - y1) * c)
            drawn.append(_rectangle(*corner, *size, _paint(shade, stroke=2.2)))
        for py, px, shade in self.points:
            where = f'cx="{_number(left + px * c)}" cy="{_number(top + py * c)}"'
            drawn.append(f'<circle {where} r="3" fill="{COLORS[shade]}"/>')
        return drawn


def block(label: str, color: str = "gray") -> _Block:
    """A box with lines of text, the first larger. A plain string does the same without colour.

    label   lines are parted by ``\\n``; ``$C_2$``, ``$x^{(i)}$`` and ``$\\theta$`` are set as maths
    color   blue, orange, green, purple or gray
    """
    return _Block(_lines(label), _color(color))


def words(label: str) -> _Block:
    """Lines of text without a box."""
    return _Words(_lines(label))


def joint(sign: str, color: str = "gray") -> _Block:
    """A circle around a sign, such as ``+`` or ``concat``."""
    return _Joint(_lines(sign), _color(color))


def tensor(shape: Sequence[int], label: str = "", color: str = "gray") -> _Block:
    """A cuboid for an array of (height, width, channels), with its label and its shape below.

    Sides are drawn on a logarithmic scale, so that 7 and 224 fit on one drawing.
    Raises ``ValueError`` for another number of sides, or one below 1.
    """
    if len(shape) != 3 or min(shape) < 1:
        raise ValueError(f"A tensor is (height, width, channels), each at least 1; got {shape}.")
    height, width, channels = (float(v) for v in shape)
    sides = 8 + 5 * math.log2(height), 8 + 5 * math.log2(width), 2 + 2 * math.log2(channels)
    true = " × ".join(str(v) for v in shape)
    return _Tensor((*_lines(label), true) if label else (true,), _color(color), sides)


def grid(
    values: Any = None,
    label: str = "",
    *,
    shape: tuple[int, int] | None = None,
    cell: float = 24,
    filled: Mapping[str, Sequence[tuple[int, int]]] | None = None,
    boxes: Mapping[str, Sequence[Sequence[float]]] | None = None,
    points: Mapping[str, Sequence[Sequence[float]]] | None = None,
    picture: Any = None,
) -> _Block:
    """Square cells with values in them, and boxes and points on them.

    values   (rows, columns) numbers or strings; or None, then ``shape`` says how many cells
    cell     side of a cell, in units of which a phone's screen has 340
    filled   cells to tint: ``{"blue": [(row, column), ...]}``
    boxes    ``{"orange": [(y1, x1, y2, x2), ...]}``, in cells from the upper left
    points   ``{"blue": [(y, x), ...]}``, likewise; the middle of the first cell is (0.5, 0.5)
    picture  (height, width) or (height, width, 3), 0..1 or uint8, drawn below all
    Raises ``ValueError`` where something lies outside the cells or a colour is unknown.
    """
    table = () if values is None else tuple(tuple(map(_cell, line)) for line in values)
    if table and len({len(line) for line in table}) != 1:
        raise ValueError("The rows of a grid need the same number of values.")
    extent = (len(table), len(table[0])) if table else shape
    if extent is None or (table and shape not in (None, extent)):
        raise ValueError(f"A grid needs values, or shape=(rows, columns); got shape {shape}.")
    rows, columns = extent
    found: dict[str, list[Any]] = {}
    for name, group in (("filled", filled), ("boxes", boxes), ("points", points)):
        found[name] = [
            (*map(float, item), _color(color))
            for color, items in (group or {}).items()
            for item in items
        ]
        length = 5 if name == "boxes" else 3
        for *place, _ in found[name]:
            high = [rows, columns] * 2 if name != "filled" else [rows - 1, columns - 1]
            if len(place) != length - 1 or any(
                not 0 <= v <= top for v, top in zip(place, high, strict=False)
            ):
                raise ValueError(f"{name}: {tuple(place)} is not within {rows} × {columns} cells.")
    return _Grid(
        _lines(label) if label else (),
        shape=extent,
        cell=cell,
        values=table,
        filled=tuple((int(r), int(c), shade) for r, c, shade in found["filled"]),
        boxes=tuple(found["boxes"]),
        points=tuple(found["points"]),
        picture="" if picture is None else _embedded(picture),
    )


def _embedded(picture: Any) -> str:
    array = np.asarray(picture)
    if array.dtype != np.uint8:
        array = (np.clip(array, 0, 1) * 255).round().astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(array).convert("RGB").save(stream, "WEBP", quality=80, method=6)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode()


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else f"{float(value):.3g}".replace("-", "−")


def _lines(label: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in label.split("\n"))


def _color(name: str) -> str:
    if name not in COLORS:
        raise ValueError(f"Colour {name!r}; there are {', '.join(COLORS)}.")
    return name


# ---- Plans


Cell = tuple[str, int, int]  # name ('' where empty), first column, number of columns


@dataclass(frozen=True)
class _Arrow:
    start: str
    end: str
    kind: str  # "->", "-->", "<->", "--"
    label: str


@dataclass
class _Place:
    """Where a block stands."""

    x: float
    y: float
    w: float
    h: float
    row: int
    inset: float = 0.0  # of the ends of arrows from the sides
    drop: float = 0.0  # of these ends from the top

    @property
    def left_end(self) -> float:
        return self.x + self.inset

    @property
    def right_end(self) -> float:
        return self.right - self.inset

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def bottom(self) -> float:
        return self.y + self.h

    @property
    def cx(self) -> float:
        return self.x + self.w / 2

    @property
    def cy(self) -> float:
        return self.y + self.drop


def _plan(text: str) -> list[list[Cell]]:
    """Rows of (name, first cell, number of cells); ``.`` is an empty cell with the name ''."""
    rows = []
    for line in text.strip().splitlines():
        cells: list[Cell] = []
        for k, name in enumerate(line.split()):
            if cells and name != "." and cells[-1][0] == name:
                cells[-1] = name, cells[-1][1], cells[-1][2] + 1
            else:
                cells.append(("" if name == "." else name, k, 1))
        if cells:
            rows.append(cells)
    names = [name for row in rows for name, _, _ in row if name]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(f"Twice in the plan: {', '.join(twice)}. A name is one block.")
    return rows


def _arrows(lines: Sequence[str], names: set[str]) -> list[_Arrow]:
    found = []
    for line in lines:
        chain, _, label = line.partition(":")
        parts = re.split(r"\s+(<->|-->|->|--)\s+", chain.strip())
        if len(parts) < 3:
            raise ValueError(f"An arrow is 'a -> b' or 'a -> b: label'; got {line!r}.")
        unknown = [name for name in parts[::2] if name not in names]
        if unknown:
            raise ValueError(f"Arrow {line!r}: {', '.join(unknown)} is not in the plan.")
        for k in range(0, len(parts) - 2, 2):
            found.append(_Arrow(parts[k], parts[k + 2], parts[k + 1], label.strip()))
    return found


def drawing(
    plan: str,
    blocks: Mapping[str, str | _Block] | None = None,
    arrows: Sequence[str] = (),
    *,
    text: str,
    wide: str | None = None,
    groups: Mapping[str, str] | None = None,
    colors: Mapping[str, str] | None = None,
) -> None:
    """Display a drawing of blocks and arrows.

    plan     rows of names, a line each. The cells of a row share the width, ``.`` is an empty one,
             and a name that is repeated side by side takes all those cells
    blocks   ``{name: label}`` or ``{name: tensor(...)}``, also ``grid``, ``words``, ``joint`` and
             ``block``; a name without an entry is its own label
    arrows   ``"a -> b: label"``, ``"a -> b -> c"``; ``-->`` is dashed, ``<->`` has two heads,
             ``--`` has none
    text     what the drawing says, in at least eight words with its key numbers: the accessible
             name, and what runs are compared by
    wide     another plan of the same names, shown where there is room for 600 pixels
    groups   ``{"Backbone": "C2 C3 C4"}``: a tinted frame with a title around these blocks
    colors   ``{"blue": "C2 C3 C4"}``: colours of blocks, beside those that a block itself has

    Raises ``ValueError`` for unknown names, for a row that is too wide (340 units in ``plan``, 720
    in ``wide``; letters are 11 to 13 high), and for a text that could not stand in for the drawing.
    """
    description = described(text)
    if wide:
        narrow_names, wide_names = (
            {n for row in _plan(p) for n, _, _ in row} for p in (plan, wide)
        )
        other = sorted((narrow_names ^ wide_names) - {""})
        if other:
            raise ValueError(f"The wide plan has other names: {', '.join(other)}.")
    drawn = [
        _layout(kind, layout, width, blocks or {}, arrows, groups or {}, colors or {})
        for kind, layout, width in (("narrow", plan, NARROW), ("wide", wide, WIDE))
        if layout
    ]
    name = html.escape(description)
    emit(
        {
            "text/html": f'<div class="cnn50-drawing" role="img" aria-label="{name}">'
            f"<style>{STYLE}</style>\n{''.join(drawn)}</div>",
            "text/plain": description,
        }
    )


def _layout(
    kind: str,
    plan: str,
    width: float,
    blocks: Mapping[str, str | _Block],
    arrows: Sequence[str],
    groups: Mapping[str, str],
    colors: Mapping[str, str],
) -> str:
    rows = _plan(plan)
    names = {name for row in rows for name, _, _ in row if name}
    unplaced = sorted(set(blocks) - names)
    if unplaced:
        raise ValueError(f"Not in the {kind} plan: {', '.join(unplaced)}.")
    made = {
        name: value if isinstance(value, _Block) else block(value)
        for name, value in ((name, blocks.get(name, name)) for name in sorted(names))
    }
    shades = {name: made[name].color for name in made}
    members = {title: _known(listed, names) for title, listed in groups.items()}
    for color, listed in colors.items():
        shades |= dict.fromkeys(_known(listed, names), _color(color))
    canvas = _Canvas(rows, made, _arrows(arrows, names), members, shades, width, kind)
    return canvas.svg()


def _cells(row: list[Cell]) -> int:
    return row[-1][1] + row[-1][2]


def _known(listed: str, names: set[str]) -> list[str]:
    found = listed.split()
    unknown = [name for name in found if name not in names]
    if unknown:
        raise ValueError(f"Not in the plan: {', '.join(unknown)}.")
    return found


Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass
class _Canvas:
    """One layout: places the blocks, leads the arrows around them, and writes all down."""

    rows: list[list[Cell]]
    blocks: dict[str, _Block]
    arrows: list[_Arrow]
    groups: dict[str, list[str]]
    shades: dict[str, str]
    width: float
    kind: str
    places: dict[str, _Place] = field(default_factory=dict)
    taken: list[Box] = field(default_factory=list)  # by words on arrows
    lanes: list[tuple[Point, Point]] = field(default_factory=list)  # pieces of arrows so far
    ends: list[tuple[Point, Point]] = field(default_factory=list)  # of which the last pieces

    def svg(self) -> str:
        self._place()
        paths = [self._route(arrow) for arrow in self.arrows]
        frames = [part for item in self.groups.items() for part in self._frame(*item)]
        labels = [
            self._label(arrow.label, path)
            for arrow, path in zip(self.arrows, paths, strict=True)
            if arrow.label
        ]
        lines = [self._line(arrow, path) for arrow, path in zip(self.arrows, paths, strict=True)]
        bodies = [
            part
            for name, p in self.places.items()
            for part in self.blocks[name].draw(p.x, p.y, p.w, p.h, self.shades[name])
        ]
        x1, y1, x2, y2 = self._extent(paths)
        w, h = _number(x2 - x1), _number(y2 - y1)
        return (
            f'<svg class="{self.kind}" xmlns="http://www.w3.org/2000/svg" width="{w}" height="{h}" '
            f'viewBox="{_number(x1)} {_number(y1)} {w} {h}">\n'
            + "\n".join([*frames, *lines, *bodies, *labels])
            + "\n</svg>\n"
        )

    # -- places

    def _place(self) -> None:
        y = 0.0
        for r, row in enumerate(self.rows):
            y += self._gap_above(r)
            sizes = {name: self.blocks[name].size() for name, _, _ in row if name}
            sides = {name: self.blocks[name].side(*size) for name, size in sizes.items()}
            above = max((drop for _, drop in sides.values()), default=0.0)
            below = max((sizes[name][1] - drop for name, (_, drop) in sides.items()), default=0.0)
            spans, widest = self._columns(row)
            for name, start, span in row:
                if name:
                    w, h = sizes[name][0], sizes[name][1]
                    left, right = spans[start][0], spans[start + span - 1][1]
                    if type(self.blocks[name]) is _Block:
                        w = max(w, min(widest, right - left), right - left if span > 1 else 0)
                    x = (left + right) / 2 - w / 2
                    inset, drop = self.blocks[name].side(w, h)
                    self.places[name] = _Place(x, y + above - drop, w, h, r, inset, drop)
            y += above + below

    def _columns(self, row: list[Cell]) -> tuple[list[tuple[float, float]], float]:
        """What each column of a row spans, and the width of its boxes.

        Rows with as many cells share their columns where all find room in them.
        """
        alike = [other for other in self.rows if _cells(other) == _cells(row)]
        return self._fitted(alike) or self._fitted([row]) or self._too_wide(row)

    def _fitted(self, rows: list[list[Cell]]) -> tuple[list[tuple[float, float]], float] | None:
        cells = _cells(rows[0])
        need, gaps, widest = [0.0] * cells, [GAP] * (cells - 1), 0.0
        for row in rows:
            placed = [item for item in row if item[0]]
            for name, start, span in placed:
                w = self.blocks[name].size()[0]
                for k in range(start, start + span):
                    need[k] = max(need[k], (w - GAP * (span - 1)) / span)
                if type(self.blocks[name]) is _Block and span == 1:
                    widest = max(widest, w)
            for (a, first, span), (b, second, _) in zip(placed, placed[1:], strict=False):
                if second == first + span:
                    gaps[second - 1] = max(gaps[second - 1], self._gap_between(a, b))
        one = self.width / cells
        if all(
            a / 2 + b / 2 + gap <= one + 0.1
            for a, b, gap in zip(need, need[1:], gaps, strict=False)
        ) and (max(need[0], need[-1]) <= one + 0.1):
            tight = max(gaps, default=0)
            spans = [(one * k + tight / 2, one * (k + 1) - tight / 2) for k in range(cells)]
            return spans, widest
        spare = self.width - sum(need) - sum(gaps)
        if spare < -0.1:
            return None
        more = spare / (cells + 1)
        spans, x = [], more
        for w, gap in zip(need, [*gaps, 0.0], strict=True):
            spans.append((x, x + w))
            x += w + gap + more
        return spans, 0.0

    def _too_wide(self, row: list[Cell]) -> Any:
        names = [name for name, _, _ in row if name]
        wanted = sum(self.blocks[name].size()[0] for name in names)
        wanted += sum(self._gap_between(a, b) for a, b in zip(names, names[1:], strict=False))
        raise ValueError(
            f"The row {' '.join(names)!r} of the {self.kind} plan wants {wanted:.0f} units; "
            f"{self.width:.0f} are there. Break its labels into lines, or make two rows of it."
        )

    def _gap_between(self, a: str, b: str) -> float:
        labels = [r.label for r in self.arrows if {r.start, r.end} == {a, b}]
        framed = sum((a in names) != (b in names) for names in self.groups.values())
        wide = max((_label_size(label)[0] + 18 for label in labels), default=0)
        return max(GAP + (4 if labels else 0), wide) + PAD * framed

    def _gap_above(self, r: int) -> float:
        if r == 0:
            return 0.0
        where = {name: k for k, row in enumerate(self.rows) for name, _, _ in row if name}
        tall = 0.0
        for arrow in self.arrows:
            low, high = sorted((where[arrow.start], where[arrow.end]))
            if arrow.label and low < r <= high and high == low + 1:
                tall = max(tall, _label_size(arrow.label)[1] + 20)
        begins = any(min(where[n] for n in names) == r for names in self.groups.values())
        ends = any(max(where[n] for n in names) == r - 1 for names in self.groups.values())
        return max(ROW_GAP, tall) + (26 if begins else 0) + (PAD if ends else 0)

    def _frame(self, title: str, names: list[str]) -> list[str]:
        """The frame of a group, with its title where the fewest arrows run through it."""
        x1, y1, x2, y2 = self._framed(title, names)
        width, height = _width(title, SMALL), LEADING * SMALL
        lanes = [_hull(a, b) for a, b in self.lanes]
        spots = [
            (x1 + 6 + 4 * k, y)
            for y in (y1 + 2, y2 - 2 - height)
            for k in range(int(max(0, x2 - x1 - width - 12) // 4) + 1)
        ]
        blocks = [(p.x, p.y, p.right, p.bottom) for p in self.places.values()]

        def cost(spot: Point) -> int:
            box = spot[0] - 3, spot[1], spot[0] + width + 3, spot[1] + height
            return sum(_overlap(box, other) for other in lanes) + 9 * sum(
                _overlap(box, other) for other in blocks
            )

        x, y = min(spots, key=cost)
        self.taken.append((x - 2, y, x + width + 2, y + height))
        paint = f'fill="{COLORS[self.shades[names[0]]]}" fill-opacity=".08"'
        return [
            _rectangle(x1, y1, x2 - x1, y2 - y1, paint, radius=7),
            _words(title, x, y + height / 2, SMALL, "start"),
        ]

    def _framed(self, title: str, names: list[str]) -> Box:
        inside = [self.places[name] for name in names]
        x1, x2 = min(p.x for p in inside) - PAD, max(p.right for p in inside) + PAD
        x2 = max(x2, x1 + _width(title, SMALL) + 12)
        return x1, min(p.y for p in inside) - PAD - 19, x2, max(p.bottom for p in inside) + PAD

    def _extent(self, paths: list[list[Point]]) -> Box:
        boxes = [(p.x, p.y, p.right, p.bottom) for p in self.places.values()]
        boxes += [(x, y, x, y) for path in paths for x, y in path]
        boxes += [*self.taken, *(self._framed(*item) for item in self.groups.items())]
        left, top, right, bottom = zip(*boxes, (0.0, 0.0, self.width, 0.0), strict=True)
        return min(left) - 2, min(top) - 2, max(right) + 2, max(bottom) + 2

    # -- arrows

    def _route(self, arrow: _Arrow) -> list[Point]:
        a, b = self.places[arrow.start], self.places[arrow.end]
        if a is b:
            raise ValueError(f"An arrow from {arrow.start} to itself is not drawn.")
        others = [p for p in self.places.values() if p is not a and p is not b]
        options = _beside(a, b, others) if a.row == b.row else _between(a, b, others)
        best = min(options, key=lambda path: self._cost(path, others))
        self.lanes += list(zip(best, best[1:], strict=False))
        self.ends.append((best[-2], best[-1]))
        return best

    def _cost(self, path: list[Point], others: list[_Place]) -> float:
        cost = 14.0 * len(path)
        for (x1, y1), (x2, y2) in zip(path, path[1:], strict=False):
            cost += 0.1 * (abs(x2 - x1) + abs(y2 - y1))
            box = _hull((x1, y1), (x2, y2))
            for p in others:
                cost += 1000 * _overlap(box, (p.x - 3, p.y - 3, p.right + 3, p.bottom + 3))
            cost += 200 * sum(_overlap(box, words) for words in self.taken)
            for (u1, v1), (u2, v2) in self.lanes:
                lane = _hull((u1, v1), (u2, v2))
                if (x1 == x2) == (u1 == u2):  # along each other
                    near = lane[0] - 3, lane[1] - 3, lane[2] + 3, lane[3] + 3
                    cost += 25 * _overlap(box, near)
                else:
                    cost += 12 * _overlap(box, lane)
            cost += 60 * (box[0] < -14) + 60 * (box[2] > self.width + 14)
        return cost

    def _line(self, arrow: _Arrow, path: list[Point]) -> str:
        points = list(path)
        heads = []
        if arrow.kind != "--":
            heads.append(_head(points[-2], points[-1]))
            points[-1] = _short(points[-2], points[-1])
        if arrow.kind == "<->":
            heads.append(_head(points[1], points[0]))
            points[0] = _short(points[1], points[0])
        dashes = ' stroke-dasharray="4 3"' if arrow.kind == "-->" else ""
        parts = "".join(_rounded(part) for part in _cut(points, self.taken))
        line = f'<path d="{parts}" {_paint("gray")}{dashes}/>'
        return line + "".join(_polygon(head, 'fill="currentColor"') for head in heads)

    def _label(self, label: str, path: list[Point]) -> str:
        w, h = _label_size(label)
        options = []
        for (x1, y1), (x2, y2) in zip(path, path[1:], strict=False):
            long = abs(x2 - x1) + abs(y2 - y1)
            for share in (0.5, 0.35, 0.65):
                x, y = x1 + share * (x2 - x1), y1 + share * (y2 - y1)
                if x1 == x2:
                    options += [(x + 5, y - h / 2, long), (x - 5 - w, y - h / 2, long)]
                else:
                    options += [(x - w / 2, y - 3 - h, long), (x - w / 2, y + 3, long)]
        blocks = [(p.x, p.y, p.right, p.bottom) for p in self.places.values()]
        lanes = [_hull(a, b) for a, b in self.lanes]
        heads = [_hull(_towards(a, b, 9), b) for a, b in self.ends]

        def cost(option: tuple[float, float, float]) -> float:
            x, y, long = option
            box = x, y, x + w, y + h
            hidden = 5 * sum(_overlap(box, other) for other in blocks + self.taken)
            hidden += 3 * sum(_overlap(box, lane) for lane in lanes)
            hidden += 2 * sum(_overlap(box, head) for head in heads)
            outside = 4 * (x < -6) + 4 * (x + w > self.width + 6)
            return hidden + outside - 0.001 * min(long, 100)

        x, y, _ = min(options, key=cost)
        self.taken.append((x, y, x + w, y + h))
        lines = label.split("\\n") if "\\n" in label else label.split("\n")
        return "".join(
            _words(line.strip(), x + w / 2, y + (k + 0.5) * LEADING * SMALL, SMALL)
            for k, line in enumerate(lines)
        )


def _label_size(label: str) -> tuple[float, float]:
    lines = label.split("\\n") if "\\n" in label else label.split("\n")
    return max(_width(line.strip(), SMALL) for line in lines), LEADING * SMALL * len(lines)


def _hull(a: Point, b: Point) -> Box:
    return min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3] or _through(a, b)


def _through(a: Box, b: Box) -> bool:
    """Whether ``a``, flat as a line, runs through ``b``."""
    flat_x, flat_y = a[0] == a[2], a[1] == a[3]
    return (
        (flat_x or flat_y)
        and a[0] <= b[2]
        and b[0] <= a[2]
        and a[1] <= b[3]
        and b[1] <= a[3]
        and (not flat_x or b[0] < a[0] < b[2])
        and (not flat_y or b[1] < a[1] < b[3])
    )


def _between(a: _Place, b: _Place, others: list[_Place]) -> list[list[Point]]:
    """Paths from a block to one in another row, the straightest first."""
    down = a.row < b.row
    start, end = (a.bottom, b.y) if down else (a.y, b.bottom)
    paths: list[list[Point]] = []
    low, high = max(a.x, b.x) + 6, min(a.right, b.right) - 6
    if low <= high:
        for x in (a.cx, b.cx, (low + high) / 2):
            if low <= x <= high:
                paths.append([(x, start), (x, end)])
    sign = 1 if down else -1
    for y in (end - sign * 14, start + sign * 12, (start + end) / 2):
        paths.append([(a.cx, start), (a.cx, y), (b.cx, y), (b.cx, end)])
    side = a.right_end if b.cx > a.right else a.left_end
    if not a.x <= b.cx <= a.right:
        paths.append([(side, a.cy), (b.cx, a.cy), (b.cx, end)])
    near = b.left_end if a.cx < b.x else b.right_end
    if not b.x <= a.cx <= b.right:
        paths.append([(a.cx, start), (a.cx, b.cy), (near, b.cy)])
    rows = range(min(a.row, b.row), max(a.row, b.row) + 1)
    within = [a, b, *(p for p in others if p.row in rows)]
    for k in range(4):
        x = max(p.right for p in within) + 10 + 8 * k
        paths.append([(a.right_end, a.cy), (x, a.cy), (x, b.cy), (b.right_end, b.cy)])
        x = min(p.x for p in within) - 10 - 8 * k
        paths.append([(a.left_end, a.cy), (x, a.cy), (x, b.cy), (b.left_end, b.cy)])
    inner = sorted({p.right for p in within} | {p.x for p in within})
    for left, right in zip(inner, inner[1:], strict=False):
        x = (left + right) / 2
        if right - left > 10 and not b.x - 4 <= x <= b.right + 4:
            near = b.right_end if x > b.right else b.left_end
            if not a.x <= x <= a.right:
                far = a.right_end if x > a.right else a.left_end
                paths.append([(far, a.cy), (x, a.cy), (x, b.cy), (near, b.cy)])
            y = start + sign * 12
            paths.append([(a.cx, start), (a.cx, y), (x, y), (x, b.cy), (near, b.cy)])
    return [_tidy(path) for path in paths]


def _beside(a: _Place, b: _Place, others: list[_Place]) -> list[list[Point]]:
    """Paths from a block to one in the same row."""
    start, end = (a.right_end, b.left_end) if a.x < b.x else (a.left_end, b.right_end)
    paths = [[(start, a.cy), (end, a.cy)]] if b.y < a.cy < b.bottom else []
    paths += [[(start, b.cy), (end, b.cy)]] if a.y < b.cy < a.bottom else []
    row = [a, b, *(p for p in others if p.row == a.row)]
    for k in range(3):
        over, under = min(p.y for p in row) - 10 - 6 * k, max(p.bottom for p in row) + 10 + 6 * k
        paths.append([(a.cx, a.y), (a.cx, over), (b.cx, over), (b.cx, b.y)])
        paths.append([(a.cx, a.bottom), (a.cx, under), (b.cx, under), (b.cx, b.bottom)])
    return [_tidy(path) for path in paths]


def _tidy(path: list[Point]) -> list[Point]:
    """Without points that repeat, or that lie on the way."""
    kept: list[Point] = []
    for x, y in path:
        if kept and abs(kept[-1][0] - x) < 0.5 and abs(kept[-1][1] - y) < 0.5:
            continue
        if len(kept) > 1 and (kept[-2][0] == kept[-1][0] == x or kept[-2][1] == kept[-1][1] == y):
            kept[-1] = (x, y)
        else:
            kept.append((x, y))
    return kept if len(kept) > 1 else path


def _towards(a: Point, b: Point, far: float) -> Point:
    """The point on the way from ``b`` back to ``a``, ``far`` from ``b``."""
    length = math.dist(a, b) or 1.0
    return b[0] + (a[0] - b[0]) * far / length, b[1] + (a[1] - b[1]) * far / length


def _short(before: Point, end: Point) -> Point:
    return _towards(before, end, min(6.0, math.dist(before, end) / 2))


def _head(before: Point, end: Point) -> list[Point]:
    x, y = _towards(before, end, 7)
    dx, dy = (end[0] - x) * 0.45, (end[1] - y) * 0.45
    return [end, (x - dy, y + dx), (x + dy, y - dx)]


def _cut(points: list[Point], words: list[Box]) -> list[list[Point]]:
    """The line without the pieces that would run through words."""
    parts, last = [[points[0]]], points[0]
    for end in points[1:]:
        upright = last[0] == end[0]
        axis = 1 if upright else 0
        sign = 1 if end[axis] > last[axis] else -1
        crossed = sorted(
            (box for box in words if _overlap(_hull(last, end), box)),
            key=lambda box: sign * box[axis],
        )
        for box in crossed:
            before, after = sorted((box[axis] - 1, box[axis + 2] + 1), key=lambda v: sign * v)
            if sign * before > sign * last[axis] and sign * after < sign * end[axis]:
                parts[-1].append((last[0], before) if upright else (before, last[1]))
                parts.append([(last[0], after) if upright else (after, last[1])])
        parts[-1].append(end)
        last = end
    return parts


def _rounded(points: list[Point]) -> str:
    """A path through the points with rounded corners."""
    path = f"M{_number(points[0][0])} {_number(points[0][1])}"
    for before, corner, after in zip(points, points[1:], points[2:], strict=False):
        radius = min(5.0, math.dist(before, corner) / 2, math.dist(corner, after) / 2)
        x1, y1 = _towards(before, corner, radius)
        x2, y2 = _towards(after, corner, radius)
        path += f"L{_number(x1)} {_number(y1)}Q{_number(corner[0])} {_number(corner[1])} "
        path += f"{_number(x2)} {_number(y2)}"
    return path + f"L{_number(points[-1][0])} {_number(points[-1][1])}"
