"""The rule by which outputs are compared."""

from __future__ import annotations

import pytest

from tools import ROOT
from tools.verify.compare import difference, output_difference, read_masks

MASKS = read_masks(ROOT / "tools" / "verify" / "sanitize.cfg")

ALIKE = [
    ("the same text", "the same text"),
    ("accuracy 0.93 (0.91 to 0.95)", "accuracy 0.95 (0.93 to 0.97)"),
    ("accuracy 0.93 (0.91 to 0.95)", "accuracy 0.84 (0.81 to 0.87)"),
    ("accuracy 99 (98 to 100) %", "accuracy 97 (93 to 100) %"),
    ("loss 12 (9 to 15)", "loss 16 (14 to 18)"),
    ("loss -0.2 (-0.7 to 0.3)", "loss 0.2 (-0.3 to 0.7)"),
    ("loss 7 (7 to 7)", "loss 7 (7 to 7)"),
    ("0.125", "0.126"),
    ("0.125", "0.12"[:4] + "4"),
    ("-0.00", "0.00"),
    ("−0.5", "-0.5"),
    ("0.99", "1"),  # 0.995 in a %g format
    ("1.25e-05", "1.26e-05"),
    ("| 9.9  |  a |", "| 10.0 | a |"),
    ("-----\n9.9", "------\n10.0"),
    ("<td>0.93 (0.91 to 0.95)</td>", "<td>0.92 (0.90 to 0.94)</td>"),
    ("took 12.3 s", "took 4 s"),
    ("took 850 ms a step", "took 1.2 s a step"),
    ("1,200 images/s", "83.5 images/s"),
    ("Measured 12.3 (11.9 to 14.2) times as long; its low end must be at least 3.",
     "Measured 7 (5 to 8) times as long; its low end must be at least 3."),
    ("took 12.3 (11 to 14) ms", "took 4 (3 to 5) ms"),
    ("shape (3, 224, 224)", "shape (3, 224, 224)"),
]  # fmt: skip

UNLIKE = [
    ("the same text", "the other text", "stored"),
    ("accuracy 0.83 (0.81 to 0.85)", "accuracy 0.93 (0.91 to 0.95)", "further apart"),
    ("accuracy 0.93 (0.92 to 0.94)", "accuracy 0.93 (0.43 to 1.00)", "factor of 10"),
    ("loss 0.93 (0.91 to 0.95)", "loss 0.93", "stored 0.93 (0.91 to 0.95), now 0.93"),
    ("0.125", "0.127", "more than one unit"),
    ("0.9", "0.93", "more than one unit"),
    ("1.25e-05", "1.25e-04", "more than one unit"),
    ("below 1e-05", "below 1e-04", "whole numbers"),
    ("200 pictures", "201 pictures", "whole numbers"),
    ("shape (3, 224)", "shape (224, 3)", "whole numbers"),
    ("layer conv2d_3", "layer conv2d_4", "stored"),
    ("version 2.20.0", "version 2.21.0", "stored"),
    ("one two", "one", "stored"),
    ("7 7", "7 7 7", "the fresh output goes on"),
    ("accuracy nan", "accuracy 0.5", "stored"),
]


@pytest.mark.parametrize(("stored", "fresh"), ALIKE)
def test_alike(stored: str, fresh: str) -> None:
    assert difference(stored, fresh, MASKS) == ""
    assert difference(fresh, stored, MASKS) == ""


@pytest.mark.parametrize(("stored", "fresh", "why"), UNLIKE)
def test_unlike(stored: str, fresh: str, why: str) -> None:
    assert why in difference(stored, fresh, MASKS)
    assert difference(fresh, stored, MASKS) != ""


def test_pictures_are_not_compared_but_their_text_is() -> None:
    def shown(png: str, text: str) -> list[dict]:
        return [{"output_type": "display_data", "data": {"image/png": png, "text/plain": text}}]

    assert output_difference(shown("aaa", "peak 0.5"), shown("bbb", "peak 0.5")) == ""
    assert "text/plain" in output_difference(shown("aaa", "peak 0.5"), shown("aaa", "peak 0.9"))


def test_a_picture_that_is_gone_is_a_difference() -> None:
    with_picture = [
        {"output_type": "display_data", "data": {"image/png": "a", "text/plain": "peak 0.5"}}
    ]
    without = [{"output_type": "display_data", "data": {"text/plain": "peak 0.5"}}]
    assert "was image/png + text/plain" in output_difference(with_picture, without)


def test_masks_leave_other_numbers_alone() -> None:
    assert difference("3 s of 200 steps", "4 s of 300 steps", MASKS)
    assert difference("2 scales", "3 scales", MASKS)
    assert difference("3 times larger", "4 times larger", MASKS)


@pytest.mark.parametrize("kind", ["drawing", "slider"])
def test_a_drawing_counts_as_present_and_its_text_is_compared(kind):
    def output(html, text):
        return [{"output_type": "display_data", "data": {"text/html": html, "text/plain": text}}]

    drawn = f'<figure class="cnn50-{kind}"><svg width="1"/></figure>'
    stored = output(drawn, "Two blocks, 3 arrows")
    assert output_difference(stored, output(drawn.replace("1", "2"), "Two blocks, 3 arrows")) == ""
    assert "whole numbers" in output_difference(stored, output(drawn, "Two blocks, 4 arrows"))
    assert output_difference(stored, output("<p>no drawing</p>", "Two blocks, 3 arrows")) != ""
