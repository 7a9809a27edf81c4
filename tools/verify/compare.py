"""The rule by which a fresh output is held to the stored one.

- text: the same, apart from how many blanks or rule characters pad it;
- ``a (b to c)``, a mean with its interval: another machine is another sample, so the two means may
  lie up to ``REACHES`` times the wider interval's longer arm apart, plus one unit of the last
  printed place; the arms themselves within a factor of ten;
- integers: the same;
- decimals: within one unit of the last printed place;
- pictures, drawings and sliders: not compared; the text that stands beside them is;
- durations and rates: masked beforehand (``tools/verify/sanitize.cfg``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

NUMBER = r"\d++(?:\.\d++)?(?:[eE][-+]?\d++)?(?!\.\d)"
SIGN = r"(?:(?<![\w.)\]])[-+−])?"
TOKEN = re.compile(
    rf"(?P<mean>(?<![\w.]){SIGN}{NUMBER}) \((?P<low>{SIGN}{NUMBER}) to (?P<high>{SIGN}{NUMBER})\)"
    rf"|(?P<number>(?<![\w.]){SIGN}{NUMBER})"
)
REACHES = 4
"""How far two machines may differ, in arms of the interval: wide, since three runs may agree by
chance. It says nothing to a reader; claims are held to the interval itself."""
ARM_FACTOR = 10
SKIPPED_KINDS = ("image/", "application/vnd.jupyter.widget")
DRAWN = re.compile(r'<(div|figure) class="cnn50-(drawing|slider)"')
"""How the HTML of a drawing or a slider begins; it counts as present, as a picture does."""


@dataclass(frozen=True)
class Number:
    """A number as printed, and what one unit of its last printed place is worth."""

    text: str
    value: Decimal
    unit: Decimal

    @classmethod
    def of(cls, text: str) -> Number:
        value = Decimal(text.replace("−", "-"))
        exponent = value.as_tuple().exponent
        assert isinstance(exponent, int)
        return cls(text, value, Decimal(1).scaleb(exponent))

    @property
    def is_decimal(self) -> bool:
        """Whether it was printed with a decimal point; all others count as exact."""
        return "." in self.text


@dataclass(frozen=True)
class Interval:
    """A mean with its interval as printed: ``84 (80 to 88)``."""

    mean: Number
    low: Number
    high: Number

    @property
    def arm(self) -> Decimal:
        """The longer of the two ways from the mean to an end."""
        return max(self.mean.value - self.low.value, self.high.value - self.mean.value)

    @property
    def text(self) -> str:
        return f"{self.mean.text} ({self.low.text} to {self.high.text})"


Token = str | Number | Interval


def tokens(text: str) -> list[Token]:
    """The text as a list of words between numbers, numbers, and means with intervals."""
    found: list[Token] = []
    end = 0
    for match in TOKEN.finditer(text):
        if match.start() > end:
            found.append(text[end : match.start()])
        if match.group("number"):
            found.append(Number.of(match.group("number")))
        else:
            found.append(Interval(*(Number.of(match.group(k)) for k in ("mean", "low", "high"))))
        end = match.end()
    if end < len(text):
        found.append(text[end:])
    return found


def plain(text: str) -> str:
    """The text with padding reduced: blanks to one, rules to one character, no blank line ends."""
    text = re.sub(r"[ \t]+", " ", text)
    text = re.sub(r"([-=─━_])\1{2,}", r"\1", text)
    return "\n".join(line.strip() for line in text.strip().splitlines())


def difference(stored: str, fresh: str, masks: Mapping[str, str] | None = None) -> str:
    """Why the two texts differ by the rule, in a sentence; empty where they agree."""
    for pattern, replacement in (masks or {}).items():
        stored, fresh = re.sub(pattern, replacement, stored), re.sub(pattern, replacement, fresh)
    old, new = tokens(plain(stored)), tokens(plain(fresh))
    for before, after in zip(old, new, strict=False):
        why = _token_difference(before, after)
        if why:
            return why
    if len(old) != len(new):
        longer, extra = ("stored", old) if len(old) > len(new) else ("fresh", new)
        rest = extra[min(len(old), len(new))]
        return f"the {longer} output goes on: {_shown(rest)}"
    return ""


def _token_difference(stored: Token, fresh: Token) -> str:
    if isinstance(stored, Interval) and isinstance(fresh, Interval):
        return _interval_difference(stored, fresh)
    if isinstance(stored, Number) and isinstance(fresh, Number):
        return _number_difference(stored, fresh)
    if stored == fresh:
        return ""
    if isinstance(stored, str) and isinstance(fresh, str):
        stored, fresh = _first_difference(stored, fresh)
    return f"stored {_shown(stored)}, now {_shown(fresh)}"


def _number_difference(stored: Number, fresh: Number) -> str:
    if stored.text == fresh.text:
        return ""
    saying = f"stored {stored.text}, now {fresh.text}"
    if not (stored.is_decimal or fresh.is_decimal):
        return f"{saying}: whole numbers must be the same"
    unit = min(stored.unit, fresh.unit)
    if abs(stored.value - fresh.value) <= unit:
        return ""
    return f"{saying}: more than one unit ({unit:f}) of the last printed place apart"


def _interval_difference(stored: Interval, fresh: Interval) -> str:
    if stored == fresh:
        return ""
    saying = f"stored {stored.text}, now {fresh.text}"
    unit = max(stored.mean.unit, fresh.mean.unit)
    arms = max(stored.arm, unit), max(fresh.arm, unit)
    if abs(stored.mean.value - fresh.mean.value) > REACHES * max(arms) + unit:
        return f"{saying}: further apart than {REACHES} arms of the wider interval"
    if max(arms) > ARM_FACTOR * min(arms):
        return f"{saying}: the intervals differ by more than a factor of {ARM_FACTOR}"
    return ""


def _first_difference(stored: str, fresh: str) -> tuple[str, str]:
    """Both texts from a little before the place where they part."""
    place = next(
        (i for i, (a, b) in enumerate(zip(stored, fresh, strict=False)) if a != b),
        min(len(stored), len(fresh)),
    )
    start = max(0, place - 20)
    return stored[start : place + 40], fresh[start : place + 40]


def _shown(token: Token) -> str:
    return repr(token[:80]) if isinstance(token, str) else token.text


def output_difference(
    stored: Iterable[Mapping[str, Any]],
    fresh: Iterable[Mapping[str, Any]],
    masks: Mapping[str, str] | None = None,
) -> str:
    """Why the outputs of a cell differ, in a sentence; empty where they agree.

    Both are lists of outputs in the notebook format, streams already joined.
    """
    old, new = [_parts(output) for output in stored], [_parts(output) for output in fresh]
    for place, (before, after) in enumerate(zip(old, new, strict=False), start=1):
        if before.keys() != after.keys():
            return (
                f"output {place} was {_kinds(before)} and is now {_kinds(after)}"
                + _what_stderr_says(after)
            )
        for kind in before:
            why = difference(before[kind], after[kind], masks)
            if why:
                return f"output {place} ({kind}): {why}"
    if len(old) != len(new):
        rest = (old if len(old) > len(new) else new)[min(len(old), len(new))]
        return (
            f"{len(old)} outputs are stored, the cell now gives {len(new)}; "
            f"the first without a partner is {_kinds(rest)}" + _what_stderr_says(rest)
        )
    return ""


def _parts(output: Mapping[str, Any]) -> dict[str, str]:
    """What of an output is compared: text by kind. Pictures count as present, not by content."""
    if output["output_type"] == "stream":
        return {output["name"]: output["text"]}
    if output["output_type"] == "error":
        return {"error": f"{output['ename']}: {output['evalue']}"}
    parts = {}
    for kind, content in output["data"].items():
        text = "".join(content) if isinstance(content, list) else str(content)
        skipped = kind.startswith(SKIPPED_KINDS) or (kind == "text/html" and DRAWN.match(text))
        parts[kind] = "" if skipped else text
    return parts


def _kinds(parts: Mapping[str, str]) -> str:
    return " + ".join(sorted(parts)) or "empty"


def _what_stderr_says(parts: Mapping[str, str]) -> str:
    return f": {parts['stderr'].strip()[:200]}" if "stderr" in parts else ""


def read_masks(path: Path) -> dict[str, str]:
    """The pairs of a sanitize file in nbval's format: ``regex: ...`` above ``replace: ...``."""
    text = path.read_text(encoding="utf-8")
    return dict(re.findall(r"^regex: (.*)$\n^replace: (.*)$", text, re.M))
