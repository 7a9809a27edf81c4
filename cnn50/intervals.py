"""What was measured, and how far it can be trusted: means with their confidence intervals.

A ``Measured`` is made from what was measured and never from a typed spread: by ``Measured.of`` and
``cnn50.evidence.repeat`` from one value a run, by ``bootstrap`` from independent cases. Its ``low``
and ``high`` are one-sided 95 % confidence bounds of the mean, so that nine in ten intervals from
``low`` to ``high`` hold the true mean.

Sources: Student, The probable error of a mean, Biometrika 6 (1908), doi:10.1093/biomet/6.1.1.
Efron, Bootstrap methods, Annals of Statistics 7 (1979), doi:10.1214/aos/1176344552.
Welch, The generalization of Student's problem, Biometrika 34 (1947), doi:10.1093/biomet/34.1-2.28.
Hanley and Lippman-Hand, If nothing goes wrong, is everything all right?, JAMA 249 (1983),
doi:10.1001/jama.1983.03330370053031.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy.special import stdtrit

from cnn50 import runtime

CONFIDENCE = 0.95  # of each bound by itself
DRAWS = 2000
FEWEST_CASES = 10  # a bootstrap over fewer cases gives intervals that are too narrow
BLOCK = 2_000_000  # numbers drawn at once, so that many cases need little memory

Range = tuple[float, float]


class Measured:
    """A mean with its confidence interval, and the runs or cases that it rests on.

    mean    the mean over runs, or the statistic of all cases
    low     lower bound of the mean, at 95 % confidence, one-sided
    high    upper bound of the mean, at 95 % confidence, one-sided
    values  one number a run, in the order of the runs; empty where cases were resampled instead
    over    what the runs or cases are, with their number, such as ``"5 runs"``

    Differences, ratios and multiples are taken run by run and case by case, so that what the two
    sides share (seeds, weights, test pictures) cancels: both must come from the same runs or cases.
    """

    mean: float
    low: float
    high: float
    values: tuple[float, ...]
    _draws: np.ndarray | None  # the statistic of resampled cases
    _cases: int
    _words: tuple[str, str]  # what runs and what cases are called
    _within: Range | None

    def __init__(self, *_: Any, **__: Any) -> None:
        raise TypeError(
            "A Measured is not made from a mean and a spread: pass one value a run to Measured.of "
            "or repeat, or one value a test case to bootstrap."
        )

    @classmethod
    def of(
        cls, values: Sequence[float] | np.ndarray, over: str = "runs", within: Range | None = None
    ) -> Measured:
        """From one value a run: Student's t. At least two, or nothing is known of their spread.

        over    what the values are one each of: runs, photographs, tasks; independent of each other
        within  the lowest and the highest possible value; no interval is shown beyond them
        """
        numbers = np.asarray(values, dtype=float)
        if numbers.ndim != 1 or len(numbers) < 2:
            raise ValueError(
                f"An interval needs at least two values, one for each of the {over}; "
                f"got shape {numbers.shape}."
            )
        return cls._made(float(numbers.mean()), numbers, None, 0, (over, ""), within)

    @classmethod
    def of_runs_and_cases(
        cls,
        values: Sequence[Sequence[float]] | np.ndarray,
        over: str = "runs",
        cases: str = "cases",
        within: Range | None = None,
    ) -> Measured:
        """From an array (runs, cases): other trainings and other test cases both may change it.

        The variances of the two add, and the degrees of freedom follow Welch.
        """
        table = np.asarray(values, dtype=float)
        if table.ndim != 2 or table.shape[0] < 2 or table.shape[1] < FEWEST_CASES:
            raise ValueError(
                f"Runs and cases come as an array of at least 2 {over} by {FEWEST_CASES} {cases}; "
                f"got shape {table.shape}."
            )
        draws = _resampled(table.mean(axis=0), None)
        return cls._made(
            float(table.mean()), table.mean(axis=1), draws, table.shape[1], (over, cases), within
        )

    @classmethod
    def _made(
        cls,
        mean: float,
        runs: np.ndarray | None,
        draws: np.ndarray | None,
        cases: int,
        words: tuple[str, str],
        within: Range | None,
    ) -> Measured:
        new = object.__new__(cls)
        new.mean = mean
        new.values = () if runs is None else tuple(runs.tolist())
        new._draws, new._cases = draws, cases
        new._words, new._within = words, within
        low, high = _bounds(mean, runs, draws, cases)
        if draws is not None and runs is None and low == high and within is not None:
            low, high = _bounds_of_unanimous(mean, cases, within)
        if within is not None:
            low, high = max(low, within[0]), min(high, within[1])
        new.low, new.high = low, high
        return new

    @property
    def over(self) -> str:
        """What it was measured over: ``"5 runs"``, ``"400 cases"`` or ``"5 runs, 400 cases"``."""
        run_word, case_word = self._words
        parts = [f"{len(self.values)} {run_word}"] if self.values else []
        return ", ".join([*parts, *([f"{self._cases} {case_word}"] if self._cases else [])])

    def __str__(self) -> str:
        """``84 (80 to 88)``: the mean, no finer than the interval, and the interval."""
        if not all(map(math.isfinite, (self.mean, self.low, self.high))):
            return f"{self.mean} ({self.low} to {self.high})"
        decimals = _decimals(max(self.mean - self.low, self.high - self.mean), self.mean)
        shown = max(decimals, 0)
        step = 10.0**-decimals
        low = math.floor(self.low / step + 1e-9) * step  # rounded outwards, so never too narrow
        high = math.ceil(self.high / step - 1e-9) * step
        if self._within is not None:
            low, high = max(low, self._within[0]), min(high, self._within[1])
        numbers = (round(self.mean, decimals), low, high)
        mean, low_text, high_text = (f"{number + 0.0:.{shown}f}" for number in numbers)
        return f"{mean} ({low_text} to {high_text})"

    def __repr__(self) -> str:
        return f"Measured {self} over {self.over}"

    def __float__(self) -> float:
        return self.mean

    def __sub__(self, other: Measured | float) -> Measured:
        """The difference, run by run and case by case; or less a known number."""
        if not isinstance(other, Measured):
            return self + -other
        within = None
        if self._within is not None and other._within is not None:
            within = (self._within[0] - other._within[1], self._within[1] - other._within[0])
        return self._paired(other, np.subtract, within)

    def __truediv__(self, other: Measured | float) -> Measured:
        """The ratio, run by run and case by case; or a fraction by a known number."""
        if not isinstance(other, Measured):
            return self * (1 / other)
        return self._paired(other, np.divide, None)

    def __add__(self, number: float) -> Measured:
        """The same measurement, counted from elsewhere."""
        return self._mapped(lambda part: part + number)

    def __mul__(self, factor: float) -> Measured:
        """The same measurement in another unit, such as percent for a fraction."""
        return self._mapped(lambda part: part * factor)

    __radd__ = __add__
    __rmul__ = __mul__

    def _mapped(self, change: Callable[[Any], Any]) -> Measured:
        within = None
        if self._within is not None:
            ends = sorted(float(change(end)) for end in self._within)
            within = (ends[0], ends[1])
        runs = change(np.array(self.values)) if self.values else None
        draws = None if self._draws is None else change(self._draws)
        return self._made(float(change(self.mean)), runs, draws, self._cases, self._words, within)

    def _paired(self, other: Measured, operation: Any, within: Range | None) -> Measured:
        mine, its = (len(self.values), self._cases), (len(other.values), other._cases)
        if mine != its:
            raise ValueError(
                "Both sides must come from the same runs and cases; "
                f"got {self.over} and {other.over}."
            )
        runs = operation(np.array(self.values), np.array(other.values)) if self.values else None
        draws = None
        if self._draws is not None and other._draws is not None:
            draws = operation(self._draws, other._draws)
        mean = float(operation(self.mean, other.mean)) if runs is None else float(runs.mean())
        return self._made(mean, runs, draws, self._cases, self._words, within)


def bootstrap(
    cases: Sequence[float] | np.ndarray,
    statistic: Callable[[np.ndarray], float] | None = None,
    *,
    over: str = "cases",
    within: Range | None = None,
) -> Measured:
    """The mean of independent cases, or another ``statistic`` of them, with a bootstrap interval.

    cases      array (n, ...): one entry for each independent test case, at least ten
    statistic  takes cases drawn with replacement, array (n, ...), and returns a number; the mean
               where none is given
    over       what the cases are: pictures, patients, boxes
    within     the lowest and the highest possible value; where all cases agree, the bounds then
               allow for what so many cases cannot show (the "rule of three")

    Two bootstraps over the same number of cases draw the same cases, so that their difference is
    paired. The interval is that of the percentiles.
    """
    array = np.asarray(cases, dtype=float) if statistic is None else np.asarray(cases)
    if array.ndim < 1 or len(array) < FEWEST_CASES or (statistic is None and array.ndim != 1):
        raise ValueError(
            f"bootstrap needs at least {FEWEST_CASES} cases, one number each unless a statistic "
            f"is given; got shape {array.shape}. For fewer, Measured.of uses Student's t."
        )
    whole = float(array.mean()) if statistic is None else float(statistic(array))
    draws = _resampled(array, statistic)
    return Measured._made(whole, None, draws, len(array), ("", over), within)


def _resampled(cases: np.ndarray, statistic: Callable[[np.ndarray], float] | None) -> np.ndarray:
    """The statistic of DRAWS samples of the cases: the same samples for the same number."""
    rng = np.random.default_rng(runtime.seed())
    n = len(cases)
    if statistic is not None:
        return np.array([float(statistic(cases[rng.integers(0, n, n)])) for _ in range(DRAWS)])
    block = max(1, BLOCK // n)
    sizes = [min(block, DRAWS - start) for start in range(0, DRAWS, block)]
    return np.concatenate([cases[rng.integers(0, n, (size, n))].mean(axis=1) for size in sizes])


def _bounds(
    mean: float, runs: np.ndarray | None, draws: np.ndarray | None, cases: int
) -> tuple[float, float]:
    if runs is None:
        assert draws is not None
        low, high = np.quantile(draws, [1 - CONFIDENCE, CONFIDENCE])
        return min(float(low), mean), max(float(high), mean)
    by_runs = float(runs.var(ddof=1)) / len(runs)
    by_cases = 0.0 if draws is None else float(draws.var())
    both = by_runs + by_cases
    if not both > 0:  # all the same, or not a number
        return mean - both, mean + both
    freedom = both**2 / (
        by_runs**2 / (len(runs) - 1) + (by_cases**2 / (cases - 1) if cases else 0.0)
    )
    reach = float(stdtrit(freedom, CONFIDENCE)) * math.sqrt(both)
    return mean - reach, mean + reach


def _bounds_of_unanimous(mean: float, cases: int, within: Range) -> Range:
    """Bounds where all cases agree: so many others may differ, as far as they can, unseen."""
    unseen = 1 - (1 - CONFIDENCE) ** (1 / cases)
    return mean - unseen * (mean - within[0]), mean + unseen * (within[1] - mean)


def _decimals(reach: float, mean: float) -> int:
    """Decimals with which an interval is shown: one digit of its reach, two if it begins with 1."""
    if reach == 0:
        return 0 if mean == round(mean) else 3 - math.floor(math.log10(abs(mean)))
    decimals = -math.floor(math.log10(reach))
    return decimals + 1 if reach * 10**decimals < 2 else decimals
