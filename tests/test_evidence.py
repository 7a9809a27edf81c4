"""Claims hold, fail, report and log as they should; repeated measurements carry their spread."""

import json
import math

import numpy as np
import pytest

from cnn50 import evidence
from cnn50.evidence import ClaimFailed, Measured, bootstrap, claim, repeat, time_ratio


@pytest.fixture(autouse=True)
def plain_settings(monkeypatch):
    for name in ("CNN50_CLAIMS", "CNN50_CLAIM_LOG", "CNN50_BASE_SEED", "CNN50_STEPS"):
        monkeypatch.delenv(name, raising=False)


def test_a_claim_that_holds_prints_value_and_bound(capsys):
    claim("Deeper features separate better", 12.34, at_least=5, unit="points")
    assert capsys.readouterr().out == (
        "Holds: Deeper features separate better. Measured 12.3 points (at least 5 points).\n"
    )


def test_a_rounding_error_is_printed_as_a_bound(capsys):
    claim("The two agree", 3.1e-7, at_most=1e-5)
    assert "Measured below 1e-05 (at most 1e-05)" in capsys.readouterr().out


@pytest.mark.parametrize("value", [0.4, math.nan, -math.inf])
def test_a_claim_out_of_bounds_or_not_finite_fails(value):
    with pytest.raises(ClaimFailed, match="at least 0.5") as caught:
        claim("It is large", value, at_least=0.5)
    assert caught.value.text == "It is large"
    assert caught.value.value == value or math.isnan(value)


def test_a_claim_needs_a_threshold():
    with pytest.raises(ValueError, match="needs a threshold"):
        claim("Something", 1.0)


def test_report_mode_prints_a_failed_claim_and_goes_on(monkeypatch, capsys):
    monkeypatch.setenv("CNN50_CLAIMS", "report")
    claim("It is large", 0.1, at_least=0.5)
    assert capsys.readouterr().out.startswith("Fails: It is large.")


def test_a_smoke_run_only_reports(monkeypatch, capsys):
    monkeypatch.setenv("CNN50_STEPS", "2")
    claim("It is large", 0.1, at_least=0.5)
    assert "Fails" in capsys.readouterr().out


def test_an_unknown_claim_mode_is_an_error(monkeypatch):
    monkeypatch.setenv("CNN50_CLAIMS", "maybe")
    with pytest.raises(ValueError, match="CNN50_CLAIMS"):
        claim("It is large", 0.1, at_least=0.5)


def test_every_claim_is_logged(monkeypatch, tmp_path):
    log = tmp_path / "claims.jsonl"
    monkeypatch.setenv("CNN50_CLAIM_LOG", str(log))
    claim("Small", Measured(0.1, 0.02), at_most=0.5)
    with pytest.raises(ClaimFailed):
        claim("Large", 0.1, at_least=0.5)
    first, second = map(json.loads, log.read_text().splitlines())
    assert first == {
        "text": "Small", "value": 0.1, "spread": 0.02, "at_least": None, "at_most": 0.5,
        "held": True,
    }  # fmt: skip
    assert second["held"] is False


@pytest.mark.parametrize(
    ("mean", "spread", "text"),
    [
        (0.9271, 0.0133, "0.927 ± 0.014"),
        (57.84, 12.3, "58 ± 13"),
        (57.84, 3.0, "58 ± 3"),
        (57.84, 25.0, "60 ± 30"),
        (0.5, 0.0004, "0.5000 ± 0.0004"),
        (7.0, 0.0, "7 ± 0"),
        (math.nan, 1.0, "nan ± 1.0"),
    ],
)
def test_a_measurement_is_printed_no_finer_than_its_spread(mean, spread, text):
    assert str(Measured(mean, spread)) == text


def test_spread_is_two_sample_standard_deviations():
    measured = Measured.of([1.0, 2.0, 3.0])
    assert (measured.mean, measured.spread) == (2.0, 2.0)


def test_a_difference_is_paired():
    difference = Measured.of([0.9, 0.5, 0.7]) - Measured.of([0.8, 0.8, 0.8])
    assert difference.values == pytest.approx((0.1, -0.3, -0.1))
    assert difference.spread == pytest.approx(0.4)


def test_a_difference_is_never_surer_than_its_parts():
    sure = Measured.of([0.9, 0.7, 0.8]) - Measured.of([0.8, 0.6, 0.7])
    assert sure.mean == pytest.approx(0.1)
    assert sure.spread == pytest.approx(0.2)
    many = Measured.of(range(20)) - Measured.of(range(1, 21))
    assert many.spread == 0


def test_a_difference_needs_the_same_seeds():
    with pytest.raises(ValueError, match="same seeds"):
        Measured.of([1.0, 2.0]) - Measured.of([1.0, 2.0, 3.0])


def test_one_value_has_no_spread():
    with pytest.raises(ValueError, match="at least two"):
        Measured.of([1.0])


def test_repeat_seeds_numpy_and_passes_the_seed(monkeypatch):
    monkeypatch.setenv("CNN50_BASE_SEED", "100")
    seen = []

    def draw(seed):
        seen.append(seed)
        return {"draw": np.random.rand(), "seed": seed}

    first, second = repeat(draw, seeds=3), repeat(draw, seeds=3)
    assert seen == [100, 101, 102] * 2
    assert first["draw"].values == second["draw"].values
    assert first["seed"].mean == 101


def test_a_spread_that_is_small_by_chance_gets_the_median_spread():
    values = {"lucky": [5, 5, 5], "usual": [1, 2, 3], "wide": [0, 5, 10]}
    rows = iter(zip(*values.values(), strict=True))
    measured = repeat(lambda seed: dict(zip(values, next(rows), strict=True)))
    assert [measured[name].spread for name in values] == [2, 2, 10]


def test_repeat_wants_the_same_keys():
    with pytest.raises(ValueError, match="same keys"):
        repeat(lambda seed: {str(seed): 1.0})


def test_bootstrap_spread_is_two_standard_errors():
    cases = np.random.default_rng(0).normal(3, 1, 400)
    measured = bootstrap(cases)
    assert measured.mean == pytest.approx(cases.mean())
    assert measured.spread == pytest.approx(2 * cases.std() / 20, rel=0.1)
    with pytest.raises(ValueError, match="at least two|list of"):
        bootstrap([1.0])


def test_time_ratio_tells_slow_from_fast():
    assert time_ratio(lambda: sum(range(200_000)), lambda: sum(range(1_000))) > 10


def test_rounding_error_bound_is_small():
    assert evidence.ROUNDING_ERROR < 0.01
