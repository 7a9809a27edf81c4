"""A figure in which the reader moves one quantity: frames computed beforehand, and a slider.

The figure is one piece of HTML that needs nothing from elsewhere. What moves it is an ``oninput``
attribute and not a script: it works wherever the HTML is put (the site, Colab's frame, a trusted
Jupyter notebook, which all insert HTML in other ways), it finds its figure from the slider itself,
so that no identifier has to be unique, and there is no moment in which it is not yet loaded. Where
nothing may run (scripts switched off, a notebook that is not trusted) all frames are shown with
their captions.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from cnn50.figures.base import described, emit

LARGEST = 150_000  # bytes of a slider figure
FRAME_DPI = 96
SHARPEST = 420  # pictures with fewer pixels in a row are enlarged to about as many

SLIDER_STYLE = (
    ".cnn50-slider{margin:.6rem 0;max-width:44rem}"
    ".cnn50-slider label{display:flex;flex-wrap:wrap;align-items:center;gap:.2rem .8rem}"
    ".cnn50-slider input{flex:1 1 10rem;min-width:8rem;height:2rem;margin:0;cursor:pointer;"
    "accent-color:#2a8fd0}"
    ".cnn50-slider input:focus-visible{outline:3px solid #2a8fd0;outline-offset:2px}"
    ".cnn50-slider .value{font-variant-numeric:tabular-nums;font-weight:600;min-width:VALUEch}"
    ".cnn50-slider ol{display:grid;list-style:none;margin:.4rem 0 0;padding:0}"
    ".cnn50-slider li{grid-area:1/1;visibility:hidden;margin:0}"
    ".cnn50-slider li.shown{visibility:visible}"
    ".cnn50-slider img{display:block;max-width:100%;height:auto;background:#fff}"
    ".cnn50-slider .at{display:none}"
)
SHEET_STYLE = (
    ".cnn50-slider label{display:none}"
    ".cnn50-slider ol{grid-template-columns:repeat(auto-fill,minmax(12rem,1fr));gap:.8rem}"
    ".cnn50-slider li,.cnn50-slider li.shown{grid-area:auto;visibility:visible}"
    ".cnn50-slider .at{display:inline}"
)
MOVE = (
    "var i=this,l=i.closest('figure').querySelectorAll('li'),k;"
    "for(k=0;k<l.length;k++)l[k].className=k==i.value?'shown':'';"
    "k=l[i.value].getAttribute('data-value');i.setAttribute('aria-valuetext',k);"
    "i.parentNode.querySelector('.value').textContent=k"
)


def slider(
    frames: Sequence[Figure | Any],
    values: Sequence[Any],
    *,
    label: str,
    captions: Sequence[str],
    text: str,
    unit: str = "",
    start: int = 0,
    credit: Any = None,
) -> None:
    """Display frames of which a slider shows one at a time.

    frames    figures of one size, as ``new`` makes them; or pictures of one shape: (height, width),
              (height, width, 1) or (height, width, 3), 0..1 or uint8. At least 3
    values    what the slider stands at for each frame: numbers or strings
    label     what is moved, such as "Shift"; visible beside the slider, and its accessible name
    captions  a sentence for each frame, with its key number; shown below the frame
    text      a sentence on the whole figure. With the first, middle and last caption it is the text
              equivalent, of at least eight words and one number
    unit      written after each value
    start     the frame that is shown at first
    credit    a string, or a data card with a ``credit``

    The mouse, a finger and the arrow keys move it. Raises ``ValueError`` where the numbers of
    frames, values and captions differ, for frames of different sizes, and where the figure would
    have more than 150 kB: draw fewer, smaller or plainer frames.
    """
    count = len(frames)
    if count < 3 or not count == len(values) == len(captions):
        raise ValueError(
            "A slider needs at least 3 frames, and a value and a caption for each; got "
            f"{count} frames, {len(values)} values and {len(captions)} captions."
        )
    if not 0 <= start < count:
        raise ValueError(f"start is {start}; the frames are 0 to {count - 1}.")
    stands = [f"{_shown(value)} {unit}".strip() for value in values]
    said = [" ".join(str(caption).split()) for caption in captions]
    line = str(getattr(credit, "credit", credit) or "")
    key = "; ".join(f"at {stands[k]}: {said[k].rstrip('.')}" for k in (0, count // 2, count - 1))
    description = described(
        f"{text} A slider moves {label} over {count} frames, from {stands[0]} to {stands[-1]}; "
        f"{key}." + (f" Credit: {line}" if line else "")
    )
    pictures = [_drawn(frame) for frame in frames]
    sizes = sorted({picture.size for picture in pictures})
    if len(sizes) > 1:
        raise ValueError(f"The frames of a slider need one size; got {sizes}, in pixels.")
    content = _html(pictures, stands, said, label, description, line, start)
    size = len(content.encode())
    if size > LARGEST:
        raise ValueError(
            f"The slider has {size // 1000} kB in {count} frames; {LARGEST // 1000} are allowed: "
            "draw fewer, smaller or plainer frames."
        )
    emit({"text/html": content, "text/plain": description})


def _shown(value: Any) -> str:
    return f"{float(value):.3g}" if isinstance(value, (float, np.floating)) else str(value)


def _drawn(frame: Figure | Any) -> Image.Image:
    """A frame as an RGB picture."""
    if isinstance(frame, Figure):
        stream = io.BytesIO()
        frame.savefig(stream, dpi=FRAME_DPI, facecolor="white")
        return Image.open(stream).convert("RGB")
    array = np.asarray(frame)
    if array.ndim == 3 and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[-1] != 3):
        raise ValueError(f"A frame is a figure, (h, w), (h, w, 1) or (h, w, 3); got {array.shape}.")
    if array.dtype != np.uint8:
        array = (np.clip(array, 0, 1) * 255).round().astype(np.uint8)
    picture = Image.fromarray(array).convert("RGB")
    times = max(1, SHARPEST // picture.width)
    return picture.resize((picture.width * times, picture.height * times), Image.Resampling.NEAREST)


def _packed(picture: Image.Image) -> str:
    """The picture as a data URI: 64 colours without loss, or with loss where that is smaller."""
    few, photograph = io.BytesIO(), io.BytesIO()
    method = Image.Quantize.MAXCOVERAGE  # keeps the colours of small things
    reduced = picture.quantize(64, method, dither=Image.Dither.NONE).convert("RGB")
    reduced.save(few, "WEBP", lossless=True, quality=100, method=4)
    picture.save(photograph, "WEBP", quality=80, method=6)
    smallest = min(few.getvalue(), photograph.getvalue(), key=len)
    return "data:image/webp;base64," + base64.b64encode(smallest).decode()


def _html(
    pictures: Sequence[Image.Image],
    stands: Sequence[str],
    said: Sequence[str],
    label: str,
    description: str,
    credit: str,
    start: int,
) -> str:
    width, height = pictures[0].size
    items = []
    for k, (picture, value, caption) in enumerate(zip(pictures, stands, said, strict=True)):
        shown = ' class="shown"' if k == start else ""
        quoted = html.escape(value)
        items.append(
            f'<li{shown} data-value="{quoted}">'
            f'<img src="{_packed(picture)}" width="{width}" height="{height}" '
            f'alt="{html.escape(label)} {quoted}">'
            f'<span class="at">{html.escape(label)} {quoted}. </span>'
            f"<span>{html.escape(caption)}</span></li>"
        )
    style = SLIDER_STYLE.replace("VALUE", str(max(map(len, stands))))
    signed = f"<small>{html.escape(credit)}</small>" if credit else ""
    return (
        f'<figure class="cnn50-slider" aria-label="{html.escape(description)}">'
        f"<style>{style}</style><noscript><style>{SHEET_STYLE}</style></noscript>\n"
        f"<label><span>{html.escape(label)}</span>"
        f'<input type="range" min="0" max="{len(pictures) - 1}" step="1" value="{start}" '
        f'aria-valuetext="{html.escape(stands[start])}" autocomplete="off" oninput="{MOVE}">'
        f'<span class="value" aria-hidden="true">{html.escape(stands[start])}</span></label>\n'
        f"<ol>\n{chr(10).join(items)}\n</ol>{signed}</figure>"
    )
