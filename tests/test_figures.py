"""Every figure carries a picture and a text with its numbers; bad input gets a clear error."""

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from cnn50 import figures
from cnn50.intervals import Measured


@pytest.fixture
def shown(monkeypatch):
    """What was displayed, newest last."""
    outputs: list[dict] = []
    monkeypatch.setattr(figures.base, "display", lambda data, raw: outputs.append(data))
    return outputs


def test_a_figure_has_a_png_and_its_text(shown):
    figure, axis = figures.new()
    axis.plot([1, 2, 3])
    figures.show(figure, "A line that rises from 1 to 3 over three points")
    picture = Image.open(io.BytesIO(base64.b64decode(shown[-1]["image/png"])))
    assert picture.width <= 800
    assert shown[-1]["text/plain"].startswith("A line that rises")


@pytest.mark.parametrize(
    "text", ["", "Too short 1", "Eight words that carry no number at all here"]
)
def test_a_figure_without_a_real_text_is_refused(text):
    figure, _ = figures.new()
    with pytest.raises(ValueError, match="at least 8 words"):
        figures.show(figure, text)


def test_the_credit_of_a_data_card_is_in_the_text(shown):
    class Card:
        credit = "Photo: A. Person, CC0"

    figures.images([np.zeros((4, 4))], ["black"], credit=Card(), text=None)
    assert shown[-1]["text/plain"].endswith("Credit: Photo: A. Person, CC0")


def test_images_checks_titles_and_shapes(shown):
    with pytest.raises(ValueError, match="2 pictures but 1 titles"):
        figures.images(np.zeros((2, 4, 4)), ["one"])
    with pytest.raises(ValueError, match=r"\(h, w\)"):
        figures.images(np.zeros((2, 4, 4, 7)))
    figures.images(np.zeros((3, 4, 5, 3)), ["a", "b", "c"])
    assert "3 pictures, the first 4 × 5 pixels: a; b; c" in shown[-1]["text/plain"]


def test_curves_lists_its_points(shown):
    figures.curves(
        [0, 2], {"max": [Measured.of([0.89, 0.91]), Measured.of([0.4, 0.6])], "blur": [0.91, 0.83]},
        xlabel="shift", ylabel="accuracy",
    )  # fmt: skip
    assert shown[-1]["text/plain"] == (
        "Curves of accuracy against shift. max: 0.90 (0.83 to 0.97) at 0, 0.5 (-0.2 to 1.2) at 2; "
        "blur: 0.91 at 0, 0.83 at 2."
    )
    with pytest.raises(ValueError, match="2 points for 3"):
        figures.curves([1, 2, 3], {"a": [1, 2]}, xlabel="x", ylabel="y")


def test_bars_boxes_masks_and_heatmap_describe_themselves(shown):
    figures.bars({"pixels": 0.5, "features": Measured.of([0.89, 0.91])}, xlabel="accuracy")
    assert "pixels 0.5, features 0.90 (0.83 to 0.97)" in shown[-1]["text/plain"]
    figures.boxes(np.zeros((20, 20)), np.array([[2, 2, 9, 9]]), ["disc"])
    assert "1 boxes drawn on it labelled disc" in shown[-1]["text/plain"]
    half = np.zeros((1, 20, 20))
    half[:, :10] = 1
    figures.masks(np.zeros((20, 20)), half)
    assert "cover 50 percent" in shown[-1]["text/plain"]
    figures.heatmap(np.eye(2), ["a", "b"], ["c", "d"])
    assert "a: c 1.00, d 0.00; b: c 0.00, d 1.00" in shown[-1]["text/plain"]
    with pytest.raises(ValueError, match="1 rows"):
        figures.heatmap(np.eye(2), ["a"], ["c", "d"])


def test_a_table_is_html_and_aligned_text(shown):
    figures.table(
        [
            {"depth": "pixels", "accuracy": 0.51234},
            {"depth": "a<b", "accuracy": Measured.of([0.88, 0.92])},
        ],
        text="Accuracy by depth",
    )
    assert shown[-1]["text/plain"].splitlines() == [
        "Accuracy by depth",
        "depth              accuracy",
        "pixels                0.512",
        "a<b     0.90 (0.77 to 1.03)",
    ]
    assert "a&lt;b" in shown[-1]["text/html"]
    assert "<caption>Accuracy by depth</caption>" in shown[-1]["text/html"]


def test_a_table_wants_rows_with_the_same_keys():
    with pytest.raises(ValueError, match="at least one row"):
        figures.table([], text="empty")
    with pytest.raises(ValueError, match="same keys"):
        figures.table([{"a": 1}, {"b": 2}], text="uneven")


def test_a_large_picture_is_stored_as_jpeg(shown):
    noise = np.random.default_rng(0).random((300, 300, 3))
    figures.images([noise], ["noise"])
    assert "image/png" not in shown[-1]
    assert Image.open(io.BytesIO(base64.b64decode(shown[-1]["image/jpeg"]))).format == "JPEG"


PLAN = """
    image
    small large
    join
    """
TEXT = "An image of 3 by 800 by 1216 goes two ways, then both are joined."


def test_a_drawing_is_text_in_a_vector_with_a_name(shown):
    arrows = ["image -> small -> join: $P_2$, 200 × 304", "image --> large -> join"]
    blocks = {"image": figures.tensor((800, 1216, 3), "Image"), "join": figures.joint("+")}
    figures.drawing(PLAN, blocks, arrows, text=TEXT, groups={"Two ways": "small large"})
    drawn = shown[-1]["text/html"]
    assert shown[-1]["text/plain"] == TEXT
    assert drawn.startswith(f'<div class="cnn50-drawing" role="img" aria-label="{TEXT}">')
    for words in ("Image", "800 × 1216 × 3", "small", "Two ways", 'font-size="8.2">2<'):
        assert words in drawn
    assert drawn.count("<svg") == 1 and " id=" not in drawn
    assert not re.search(r'(fill|stroke)="(black|white|#000|#fff)', drawn)
    figures.drawing(PLAN, blocks, arrows, text=TEXT, groups={"Two ways": "small large"})
    assert shown[-1]["text/html"] == drawn


def test_a_wide_plan_is_a_second_layout(shown):
    figures.drawing(PLAN, text=TEXT, wide="image small large join")
    assert shown[-1]["text/html"].count("<svg") == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"arrows": ["image -> nothing"]}, "nothing is not in the plan"),
        ({"arrows": ["image small"]}, "An arrow is"),
        ({"blocks": {"other": "x"}}, "Not in the narrow plan: other"),
        ({"wide": "image small"}, "wide plan has other names: join, large"),
        ({"colors": {"red": "image"}}, "Colour 'red'; there are blue"),
        ({"groups": {"All": "image all"}}, "Not in the plan: all"),
        ({"blocks": {"small": "w" * 30, "large": "w" * 30}}, "'small large' of the narrow plan"),
        ({"text": "too short"}, "at least 8 words"),
    ],
)
def test_a_drawing_says_what_is_wrong_with_it(options, message):
    with pytest.raises(ValueError, match=message):
        figures.drawing(PLAN, **({"text": TEXT} | options))


def test_grids_and_tensors_hold_to_their_shapes():
    with pytest.raises(ValueError, match="same number of values"):
        figures.grid([[1, 2], [3]])
    with pytest.raises(ValueError, match="not within 2 × 2"):
        figures.grid([[1, 2], [3, 4]], boxes={"blue": [(0, 0, 3, 1)]})
    with pytest.raises(ValueError, match="needs values, or shape"):
        figures.grid()
    with pytest.raises(ValueError, match="height, width, channels"):
        figures.tensor((28, 28))


def shifted(n=5, size=(20, 30)):
    """Frames, values and captions of a slider."""
    frames = [np.roll(np.tri(*size), k, axis=1) for k in range(n)]
    said = [f"Accuracy {0.9 - k / 10:.2f} <here>." for k in range(n)]
    return {"frames": frames, "values": list(range(n)), "captions": said}


MOVED = {"label": "Shift", "unit": "pixels", "text": "A triangle moves to the right."}


def test_a_slider_says_its_first_middle_and_last_frame(shown):
    figures.slider(**shifted(), **MOVED, start=1, credit="A. Person")
    assert shown[-1]["text/plain"] == (
        "A triangle moves to the right. A slider moves Shift over 5 frames, from 0 pixels to "
        "4 pixels; at 0 pixels: Accuracy 0.90 <here>; at 2 pixels: Accuracy 0.70 <here>; "
        "at 4 pixels: Accuracy 0.50 <here>. Credit: A. Person"
    )
    content = shown[-1]["text/html"]
    assert content.startswith('<figure class="cnn50-slider" aria-label="A triangle moves')
    assert content.count("<img ") == content.count('width="420" height="280"') == 5
    assert content.count("&lt;here&gt;.</span>") == 5
    assert 'max="4" step="1" value="1" aria-valuetext="1 pixels"' in content
    assert '<li class="shown" data-value="1 pixels">' in content
    assert not re.search(r" id=|<script|https?:", content)
    figures.slider(**shifted(), **MOVED, start=1, credit="A. Person")
    assert shown[-1]["text/html"] == content


def test_a_slider_takes_figures_too(shown):
    made = [figures.new(height=2)[0] for _ in range(3)]
    figures.slider(made, [0.25, 0.5, 1.0], captions=["one 1", "two 2", "three 3"], **MOVED)
    assert 'width="672" height="192"' in shown[-1]["text/html"]
    assert "from 0.25 pixels to 1 pixels" in shown[-1]["text/plain"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": [0, 1]}, "5 frames, 2 values and 5 captions"),
        ({"captions": ["1"] * 6}, "5 frames, 5 values and 6 captions"),
        (shifted(2), "at least 3 frames"),
        ({"start": 5}, "start is 5; the frames are 0 to 4"),
        ({"frames": [np.ones((9, 9))] * 4 + [np.ones((9, 8))]}, "need one size"),
        ({"frames": [np.ones((9, 9, 5))] * 5}, "A frame is a figure"),
        ({"frames": list(np.random.default_rng(0).random((5, 300, 300, 3)))}, "150 are allowed"),
    ],
)
def test_a_slider_says_what_is_wrong_with_it(shown, change, message):
    with pytest.raises(ValueError, match=message):
        figures.slider(**(shifted() | MOVED | change))
