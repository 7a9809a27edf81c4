"""Claims as the first edition held them: to the mean, with a spread of two standard deviations.

Pages that have not been brought to ``cnn50.evidence`` yet import this module, which was called
``evidence`` when they were written. The last of them takes it along; no new page may use it.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, overload

import numpy as np

from cnn50 import intervals, runtime
from cnn50.evidence import ClaimFailed

FEW = 10  # values from so few seeds may agree by chance
ROUNDING_ERROR = 1e-3  # measured values under bounds as small as this are printed as a bound


@dataclass(frozen=True)
class Measured(intervals.Measured):
    """A mean, its spread (in the same unit), and the single values, in order of their seeds.

    The spread is what another machine may differ by: two sample standard deviations over seeds
    (``repeat``), or two standard errors over resampled test cases (``bootstrap``).
    """

    mean: float
    spread: float
    values: tuple[float, ...] = ()

    @classmethod
    def of(cls, values: Sequence[float]) -> Measured:  # type: ignore[override]
        """From one value per seed. At least two, or there is no spread to report."""
        if len(values) < 2:
            raise ValueError(f"A spread needs at least two values; got {len(values)}.")
        numbers = tuple(float(v) for v in values)
        return cls(float(np.mean(numbers)), float(2 * np.std(numbers, ddof=1)), numbers)

    @property
    def low(self) -> float:  # type: ignore[override]
        """The mean less its spread, for figures."""
        return self.mean - self.spread

    @property
    def high(self) -> float:  # type: ignore[override]
        """The mean and its spread, for figures."""
        return self.mean + self.spread

    def __str__(self) -> str:
        if not math.isfinite(self.mean) or not math.isfinite(self.spread):
            return f"{self.mean} ± {self.spread}"
        if self.spread == 0:
            return f"{self.mean:.4g} ± 0"
        decimals = -math.floor(math.log10(self.spread))
        if self.spread * 10**decimals < 2:  # two digits of a spread that begins with 1
            decimals += 1
        step = 10.0**-decimals
        spread = math.ceil(self.spread / step - 1e-9) * step  # rounded up, so never too narrow
        shown = max(decimals, 0)
        return f"{round(self.mean, decimals):.{shown}f} ± {spread:.{shown}f}"

    def __float__(self) -> float:
        return self.mean

    def __sub__(self, other: Measured) -> Measured:  # type: ignore[override]
        """The paired difference: seed by seed, so that what the two runs share cancels.

        Over a few seeds its spread is at least the larger of the two: three differences may agree
        by chance.
        """
        if len(self.values) != len(other.values) or not self.values:
            raise ValueError(
                f"A paired difference needs the same seeds on both sides; "
                f"got {len(self.values)} and {len(other.values)} values."
            )
        paired = Measured.of([a - b for a, b in zip(self.values, other.values, strict=True)])
        if len(self.values) > FEW:
            return paired
        return replace(paired, spread=max(paired.spread, self.spread, other.spread))

    def __mul__(self, factor: float) -> Measured:
        """The same measurement in another unit, such as percent for a fraction."""
        return Measured(
            self.mean * factor, self.spread * abs(factor), tuple(v * factor for v in self.values)
        )

    __rmul__ = __mul__


def claim(
    text: str,
    value: float | Measured,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    unit: str = "",
) -> None:
    """State that ``value`` lies within the given bounds, print what was measured, or raise.

    text      the claim, as the heading above it says it
    value     a number computed on the page, or a ``Measured``, whose mean is held to the bounds
    at_least  lower bound, included
    at_most   upper bound, included
    unit      unit of the value and of the bounds, printed behind them

    Raises ``ClaimFailed`` where the value is out of bounds or not a finite number, and
    ``ValueError`` where no bound is given. With CNN50_CLAIMS=report, and in smoke runs, a failed
    claim is printed but not raised.
    """
    if at_least is None and at_most is None:
        raise ValueError("A claim needs a threshold: give at_least=, at_most=, or both.")
    number = float(value)
    held = (
        math.isfinite(number)
        and (at_least is None or number >= at_least)
        and (at_most is None or number <= at_most)
    )
    bounds = [
        f"{word} {_number(bound)}"
        for word, bound in (("at least", at_least), ("at most", at_most))
        if bound is not None
    ]
    behind = f" {unit}" if unit else ""
    shown = _shown(value, at_least, at_most) if held else str(value)
    message = (
        f"{'Holds' if held else 'Fails'}: {text.rstrip('.')}. "
        f"Measured {shown}{behind} ({' and '.join(bounds)}{behind})."
    )
    _log(text, value, at_least, at_most, held)
    print(message)
    if not held and not _reports_only():
        raise ClaimFailed(text, number, message)


@overload
def repeat(fn: Callable[[int], float], seeds: int = 3) -> Measured: ...
@overload
def repeat(fn: Callable[[int], dict[str, float]], seeds: int = 3) -> dict[str, Measured]: ...
def repeat(fn: Callable[[int], Any], seeds: int = 3) -> Any:
    """Call ``fn(seed)`` for ``seeds`` seeds and gather what it returns.

    ``fn`` returns a number, or a dict of numbers in one unit with the same keys every time; the
    result is a ``Measured``, or a dict of them. In a dict no spread is smaller than the median
    spread, since three seeds may agree by chance. Keras, NumPy and Python are seeded before each
    call.
    """
    results = []
    for k in range(seeds):
        _seed_everything(runtime.seed(k))
        results.append(fn(runtime.seed(k)))
    if not isinstance(results[0], dict):
        return Measured.of(results)
    if any(result.keys() != results[0].keys() for result in results):
        raise ValueError("fn must return the same keys for every seed.")
    measured = {key: Measured.of([result[key] for result in results]) for key in results[0]}
    typical = float(np.median([m.spread for m in measured.values()]))
    return {key: replace(m, spread=max(m.spread, typical)) for key, m in measured.items()}


def bootstrap(values: Sequence[float] | np.ndarray, draws: int = 2000) -> Measured:
    """Mean of ``values`` (one per test case) with two bootstrap standard errors as its spread.

    values  numbers, one per independent test case, at least two
    Source: Efron, Bootstrap Methods, Annals of Statistics 7 (1979), doi:10.1214/aos/1176344552.
    """
    cases = np.asarray(values, dtype=float)
    if cases.ndim != 1 or len(cases) < 2:
        raise ValueError(
            f"bootstrap needs a list of at least two numbers; got shape {cases.shape}."
        )
    rng = np.random.default_rng(runtime.seed())
    means = cases[rng.integers(0, len(cases), (draws, len(cases)))].mean(axis=1)
    return Measured(float(cases.mean()), float(2 * means.std()), tuple(cases.tolist()))


def time_ratio(slow: Callable[[], Any], fast: Callable[[], Any], repeats: int = 7) -> float:
    """How many times longer ``slow()`` takes than ``fast()``: the ratio of their median times.

    The two are called in turn, after one unmeasured call each, so that what else the machine does
    falls on both. A ratio depends on the machine: claim large ones only.
    """
    slow(), fast()
    times = np.array([[_seconds(slow), _seconds(fast)] for _ in range(repeats)])
    return float(np.median(times[:, 0]) / np.median(times[:, 1]))


def _seconds(fn: Callable[[], Any]) -> float:
    start = time.perf_counter()
    fn()
    return time.perf_counter() - start


def _shown(value: float | Measured, at_least: float | None, at_most: float | None) -> str:
    if isinstance(value, Measured):
        return str(value)
    if at_least is None and at_most is not None and 0 < at_most <= ROUNDING_ERROR:
        return f"below {_number(at_most)}" if value < at_most else _number(value)
    return _number(value)


def _number(value: float) -> str:
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    return f"{value:.3g}"


def _log(
    text: str, value: float | Measured, at_least: float | None, at_most: float | None, held: bool
) -> None:
    path = os.environ.get("CNN50_CLAIM_LOG")
    if not path:
        return
    number = float(value)
    record = {
        "kind": "claim",
        "text": text,
        "value": number,
        "low": number,
        "high": number,
        "at_least": at_least,
        "at_most": at_most,
        "held": held,
    }
    with Path(path).open("a", encoding="utf-8") as log:
        log.write(json.dumps(record) + "\n")


def _reports_only() -> bool:
    mode = os.environ.get("CNN50_CLAIMS", "raise")
    if mode not in ("raise", "report"):
        raise ValueError(f"CNN50_CLAIMS is {mode!r}; it must be 'raise' or 'report'.")
    return mode == "report" or runtime.is_smoke_run()


def _seed_everything(number: int) -> None:
    try:
        import keras
    except ModuleNotFoundError:
        np.random.seed(number)
        return
    keras.utils.set_random_seed(number)
