"""Claims that are measured, and that fail when what was measured does not bear them out.

A page states a claim, measures it, and calls ``claim`` with the threshold. What depends on chance
(training, a sample of test cases) is carried as ``Measured``, and a claim holds only where its
whole confidence interval does. Two computations of the same thing are a ``check``.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, overload

import numpy as np

from cnn50 import runtime
from cnn50.intervals import Measured, Range, bootstrap

__all__ = ["ClaimFailed", "Measured", "bootstrap", "check", "claim", "repeat", "time_ratio"]


class ClaimFailed(AssertionError):
    """A claim or check that was not borne out. Holds its ``text`` and measured ``value``."""

    def __init__(self, text: str, value: float, message: str):
        super().__init__(message)
        self.text = text
        self.value = value


def claim(
    text: str,
    value: float | Measured,
    *,
    at_least: float | None = None,
    at_most: float | None = None,
    within: float | None = None,
    unit: str = "",
    exact: bool = False,
) -> None:
    """State a finding, print what was measured, and raise where its interval does not bear it out.

    text      the claim, as the heading above it says it
    value     a ``Measured``; its 95 % confidence bounds are held to the thresholds, not its mean
    at_least  what the lower bound must reach: the claim of a difference, or of a level
    at_most   what the upper bound must stay below
    within    the claim of *no* difference: both bounds must lie within this margin of zero (two
              one-sided tests). Choose it smaller than a difference that would matter.
    unit      unit of the value and of the thresholds, printed behind them
    exact     true where ``value`` is a bare number with no chance behind it: nothing was trained
              and nothing was sampled. Without it a bare number is refused.

    Raises ``ClaimFailed`` where the claim does not hold or the value is not a finite number,
    ``TypeError`` for a bare number without ``exact``, and ``ValueError`` where the thresholds make
    no sense. With CNN50_CLAIMS=report, and in smoke runs, a failed claim is printed but not raised.

    Source for ``within``: Schuirmann, A comparison of the two one-sided tests procedure and the
    power approach, Journal of Pharmacokinetics and Biopharmaceutics 15 (1987),
    doi:10.1007/BF01068419.
    """
    _check_thresholds(at_least, at_most, within)
    if not isinstance(value, Measured) and not exact:
        raise TypeError(
            f"The claim {text!r} is of a bare number, which has no interval. Pass a Measured (from "
            "repeat, Measured.of or bootstrap), or exact=True if no training and no sample is "
            "behind it."
        )
    number = float(value)
    low, high = (value.low, value.high) if isinstance(value, Measured) else (number, number)
    least, most = (at_least, at_most) if within is None else (-within, within)
    held = (
        all(map(math.isfinite, (number, low, high)))
        and (least is None or low >= least)
        and (most is None or high <= most)
    )
    behind = f" {unit}" if unit else ""
    if isinstance(value, Measured):
        message = f"Measured {value}{behind} over {value.over}; "
        message += _demand(at_least, at_most, within)
    else:
        message = f"Computed {_number(number if held else value)}{behind}; "
        message += (
            _demand(at_least, at_most, within)
            .replace("its low end", "it")
            .replace("its high end", "it")
        )
    message = f"{'Holds' if held else 'Fails'}: {text.rstrip('.')}. {message}."
    _log("claim", text, number, held, low=low, high=high, at_least=least, at_most=most)
    print(message)
    if not held and not _reports_only():
        raise ClaimFailed(text, number, message)


def check(text: str, found: Any, expected: Any, within: float = 0.0) -> None:
    """Compare two computations of the same thing, print that they agree, and raise if they do not.

    found     a number, an array, a text, or a list or tuple of numbers
    expected  the same, of the same shape
    within    how far apart two numbers may lie: 0 for counts and shapes, a rounding error otherwise

    Raises ``ClaimFailed``, as ``claim`` does.
    """
    value, says, wrong = _difference(found, expected)
    held = not wrong and value <= within
    if held:
        message = f"Check: {text.rstrip('.')}: {says}{f' within {within:g}' if within else ''}."
    else:
        wrong = wrong or f"found {_brief(found)}, expected {_brief(expected)}"
        message = f"Fails: {text.rstrip('.')}: {wrong}, {value:.3g} apart (at most {within:g})."
    _log("check", text, value, held, low=value, high=value, at_least=None, at_most=within)
    print(message)
    if not held and not _reports_only():
        raise ClaimFailed(text, value, message)


def _difference(found: Any, expected: Any) -> tuple[float, str, str]:
    """How far apart the two are, what agrees if they do, and in words what else is wrong."""
    a, b = np.asarray(found), np.asarray(expected)
    if a.shape != b.shape:
        return 1.0, "", f"shape {a.shape} was found where {b.shape} was expected"
    if a.dtype.kind not in "biufc" or b.dtype.kind not in "biufc":
        return float((a != b).any()), "the two agree", ""
    apart = float(np.abs(a.astype(complex) - b.astype(complex)).max(initial=0.0))
    if not math.isfinite(apart):
        return math.nan, "", f"not all is a number: found {_brief(found)}"
    if a.size > 1:
        return apart, f"{a.size} numbers agree", ""
    return apart, f"both are {_number(a.item())}" if apart == 0 else "the two agree", ""


def _brief(value: Any) -> str:
    """A value for a message: whole where it is short, else its beginning."""
    text = _number(value) if np.ndim(value) == 0 and not isinstance(value, str) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."


def _check_thresholds(at_least: float | None, at_most: float | None, within: float | None) -> None:
    if at_least is None and at_most is None and within is None:
        raise ValueError("A claim needs a threshold: give at_least=, at_most=, or within=.")
    if within is not None and (at_least is not None or at_most is not None):
        raise ValueError("within= stands alone: it claims that there is no difference.")
    if within is not None and not within > 0:
        raise ValueError(f"The margin of 'no difference' must be above 0; got {within}.")


def _demand(at_least: float | None, at_most: float | None, within: float | None) -> str:
    """What the claim asks of the interval, in words."""
    if within is not None:
        return f"both ends must lie within {_number(within)} of 0"
    demands = [
        f"its {end} end must be {word} {_number(bound)}"
        for end, word, bound in (("low", "at least", at_least), ("high", "at most", at_most))
        if bound is not None
    ]
    return " and ".join(demands)


@overload
def repeat(
    fn: Callable[[int], float], seeds: int = 3, *, within: Range | None = None, cases: str = "cases"
) -> Measured: ...
@overload
def repeat(
    fn: Callable[[int], np.ndarray],
    seeds: int = 3,
    *,
    within: Range | None = None,
    cases: str = "cases",
) -> Measured: ...
@overload
def repeat(
    fn: Callable[[int], dict[str, Any]],
    seeds: int = 3,
    *,
    within: Range | None = None,
    cases: str = "cases",
) -> dict[str, Measured]: ...
def repeat(
    fn: Callable[[int], Any],
    seeds: int = 3,
    *,
    within: Range | None = None,
    cases: str = "cases",
) -> Any:
    """Call ``fn(seed)`` for ``seeds`` seeds and gather what it returns.

    ``fn`` returns a number, or one number for each test case as an array (cases,), or a dict of
    either with the same keys every time; the result is a ``Measured``, or a dict of them. Numbers
    give an interval over runs; arrays one over runs and cases together, which is wider where the
    test cases are few. Keras, NumPy and Python are seeded before each call.

    within  the lowest and the highest possible value, such as ``(0, 100)`` for percent
    cases   what the test cases are called where ``fn`` returns arrays
    """
    results = []
    for k in range(seeds):
        _seed_everything(runtime.seed(k))
        results.append(fn(runtime.seed(k)))
    if not isinstance(results[0], dict):
        return _over_runs(results, within, cases)
    if any(result.keys() != results[0].keys() for result in results):
        raise ValueError("fn must return the same keys for every seed.")
    return {
        key: _over_runs([result[key] for result in results], within, cases) for key in results[0]
    }


def _over_runs(results: list[Any], within: Range | None, cases: str) -> Measured:
    shapes = {np.shape(result) for result in results}
    if len(shapes) > 1:
        raise ValueError(f"fn must return the same cases for every seed; got shapes {shapes}.")
    if shapes == {()}:
        return Measured.of(results, within=within)
    return Measured.of_runs_and_cases(results, cases=cases, within=within)


def time_ratio(slow: Callable[[], Any], fast: Callable[[], Any], repeats: int = 11) -> Measured:
    """How many times longer ``slow()`` takes than ``fast()``: the ratio of their median times.

    The two are called in turn, after one unmeasured call each, so that what else the machine does
    falls on both; the interval is a bootstrap over the pairs. A ratio depends on the machine: claim
    large ones only.
    """
    slow(), fast()
    times = np.array([[_seconds(slow), _seconds(fast)] for _ in range(repeats)])
    return bootstrap(times, _ratio_of_medians, over="repeats")


def _ratio_of_medians(times: np.ndarray) -> float:
    return float(np.median(times[:, 0]) / np.median(times[:, 1]))


def _seconds(fn: Callable[[], Any]) -> float:
    start = time.perf_counter()
    fn()
    return time.perf_counter() - start


def _number(value: Any) -> str:
    if isinstance(value, (bool, np.bool_)):
        return str(bool(value))
    if float(value).is_integer() and abs(value) < 1e15:
        return str(int(value))
    return f"{value:.3g}"


def _log(kind: str, text: str, value: float, held: bool, **bounds: float | None) -> None:
    path = os.environ.get("CNN50_CLAIM_LOG")
    if not path:
        return
    record = {"kind": kind, "text": text, "value": value, **bounds, "held": held}
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
