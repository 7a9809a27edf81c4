"""Intervals cover what they say, pair what belongs together, and cannot be typed in."""

import math

import numpy as np
import pytest

from cnn50.intervals import Measured, bootstrap


def test_no_measurement_is_made_from_a_typed_spread():
    with pytest.raises(TypeError, match="not made from a mean and a spread"):
        Measured(12.0, 3.0)
    with pytest.raises(TypeError):
        Measured(mean=12.0, low=9.0, high=15.0)


def test_bounds_over_runs_are_students():
    measured = Measured.of([1.0, 2.0, 3.0])
    reach = 2.9200 * 1.0 / math.sqrt(3)  # the 95 % point of t with 2 degrees of freedom
    assert (measured.mean, measured.over) == (2.0, "3 runs")
    assert measured.low == pytest.approx(2 - reach, abs=1e-3)
    assert measured.high == pytest.approx(2 + reach, abs=1e-3)


def _coverage(make, truth, trials=200):
    low = high = 0
    for k in range(trials):
        measured = make(np.random.default_rng(k))
        low += measured.low <= truth
        high += measured.high >= truth
    return low / trials, high / trials


def test_bounds_over_runs_cover_in_19_of_20_samples():
    for covered in _coverage(lambda rng: Measured.of(rng.normal(5, 2, 4)), 5):
        assert 0.9 < covered < 0.99


def test_bounds_over_cases_cover_in_19_of_20_samples():
    for covered in _coverage(lambda rng: bootstrap(rng.normal(5, 2, 60)), 5):
        assert 0.9 < covered < 0.99


def test_bounds_over_runs_and_cases_cover_both_kinds_of_chance():
    def make(rng):
        table = rng.normal(0, 1, (4, 1)) + rng.normal(0, 5, (1, 40)) + rng.normal(0, 1, (4, 40))
        return Measured.of_runs_and_cases(table)

    for covered in _coverage(make, 0):
        assert 0.92 < covered <= 1


def test_a_difference_is_paired_run_by_run():
    difference = Measured.of([0.9, 0.5, 0.7]) - Measured.of([0.8, 0.8, 0.8])
    assert difference.values == pytest.approx((0.1, -0.3, -0.1))
    shared = np.array([10.0, 20.0, 60.0])
    sure = Measured.of(shared + [1.0, 1.1, 0.9]) - Measured.of(shared)
    assert 0.8 < sure.low < 1 < sure.high < 1.2


def test_a_difference_is_paired_case_by_case():
    cases = np.random.default_rng(0).normal(0, 50, 100)
    difference = bootstrap(cases + 1) - bootstrap(cases)
    assert difference.low == pytest.approx(1) and difference.high == pytest.approx(1)


def test_a_ratio_of_bootstraps_is_the_ratio_of_what_they_measure():
    cases = np.random.default_rng(0).uniform(1, 2, 100)
    ratio = bootstrap(3 * cases) / bootstrap(cases)
    assert ratio.mean == pytest.approx(3) and ratio.low == pytest.approx(3)


def test_both_sides_need_the_same_runs():
    with pytest.raises(ValueError, match="same runs and cases"):
        Measured.of([1.0, 2.0]) - Measured.of([1.0, 2.0, 3.0])
    with pytest.raises(ValueError, match="same runs and cases"):
        Measured.of(np.arange(20.0)) - bootstrap(np.arange(20.0))


def test_units_and_offsets_change_the_interval_alike():
    fraction = Measured.of([0.8, 0.9, 1.0], within=(0, 1))
    percent = 100 * fraction
    assert percent.low == pytest.approx(100 * fraction.low)
    assert percent.high == pytest.approx(100)
    error = 1 - 0 + -1 * fraction
    assert error.low == pytest.approx(0) and error.high == pytest.approx(1 - fraction.low)
    assert (fraction / 2).mean == pytest.approx(0.45)


def test_no_interval_is_printed_beyond_what_is_possible():
    assert str(Measured.of([97.0, 99.9, 99.9], within=(0, 100))) == "99 (96 to 100)"
    assert str(Measured.of([97.0, 99.9, 99.9])) == "99 (96 to 102)"


def test_cases_that_all_agree_are_not_proof_of_certainty():
    assert bootstrap(np.full(50, 100.0), within=(0, 100)).low == pytest.approx(94.2, abs=0.1)
    assert bootstrap(np.zeros(50), within=(0, 100)).high == pytest.approx(5.8, abs=0.1)
    assert bootstrap(np.zeros(50)).high == 0


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([0.91, 0.93, 0.94], "0.93 (0.90 to 0.96)"),
        ([50, 60, 62], "57 (46 to 69)"),
        ([10, 60, 100], "60 (-20 to 140)"),
        ([7, 7, 7], "7 (7 to 7)"),
        ([0.25, 0.25], "0.2500 (0.2500 to 0.2500)"),
        ([1.0, math.nan], "nan (nan to nan)"),
        ([0, 0, -0.001], "-0.0003 (-0.0014 to 0.0007)"),
    ],
)
def test_a_mean_is_printed_no_finer_than_its_interval(values, text):
    assert str(Measured.of(values)) == text


def test_a_statistic_of_cases_gets_an_interval():
    pairs = np.random.default_rng(0).normal([1, 2], 0.1, (50, 2))
    ratio = bootstrap(pairs, lambda rows: rows[:, 1].sum() / rows[:, 0].sum(), over="pictures")
    assert ratio.low < 2 < ratio.high and ratio.over == "50 pictures"


@pytest.mark.parametrize(
    "make",
    [
        lambda: Measured.of([1.0]),
        lambda: Measured.of(np.ones((2, 3))),
        lambda: bootstrap([1.0] * 9),
        lambda: bootstrap(np.ones((20, 2))),
        lambda: Measured.of_runs_and_cases(np.ones((1, 50))),
        lambda: Measured.of_runs_and_cases(np.ones((3, 5))),
    ],
)
def test_too_few_values_are_refused_with_their_shape(make):
    with pytest.raises(ValueError, match="got shape"):
        make()
