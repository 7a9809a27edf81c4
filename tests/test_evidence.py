"""Claims are held to their interval, checks to a rounding error; both fail, report and log."""

import json
import math

import numpy as np
import pytest

from cnn50.evidence import ClaimFailed, Measured, check, claim, repeat, time_ratio


@pytest.fixture(autouse=True)
def plain_settings(monkeypatch):
    for name in (
        "CNN50_CLAIMS",
        "CNN50_CLAIM_LOG",
        "CNN50_BASE_SEED",
        "CNN50_STEPS",
        "CNN50_TRAINING",
    ):
        monkeypatch.delenv(name, raising=False)


SURE = (30.0, 34.0, 35.0)  # mean 33, 95 % sure of at least 28.5
UNSURE = (5.0, 30.0, 64.0)  # the same mean, from -17 to 83


def test_a_claim_that_holds_prints_mean_interval_runs_and_threshold(capsys):
    claim("Deeper features separate better", Measured.of(SURE), at_least=5, unit="points")
    assert capsys.readouterr().out == (
        "Holds: Deeper features separate better. Measured 33 (28 to 38) points over 3 runs; "
        "its low end must be at least 5.\n"
    )


def test_a_claim_is_held_to_its_bound_and_not_to_its_mean(capsys):
    with pytest.raises(ClaimFailed, match="its low end must be at least 5") as caught:
        claim("Deeper features separate better", Measured.of(UNSURE), at_least=5)
    assert caught.value.value == 33
    with pytest.raises(ClaimFailed, match="its high end must be at most 40"):
        claim("Little is lost", Measured.of(UNSURE), at_most=40)
    claim("Little is lost", Measured.of(SURE), at_most=40)


def test_no_difference_needs_the_whole_interval_inside_its_margin(capsys):
    claim("Freezing costs nothing", Measured.of([0.1, -0.2, 0.1]), within=1, unit="points")
    assert "both ends must lie within 1 of 0" in capsys.readouterr().out
    for values in ([0.1, -3.0, 2.9], [1.4, 1.5, 1.6]):
        with pytest.raises(ClaimFailed, match="both ends"):
            claim("Freezing costs nothing", Measured.of(values), within=1)


def test_a_bare_number_needs_to_be_called_exact(capsys):
    with pytest.raises(TypeError, match="bare number"):
        claim("It is large", 27.0, at_least=20)
    claim("It is large", 27.0, at_least=20, exact=True, unit="weights")
    assert capsys.readouterr().out == (
        "Holds: It is large. Computed 27 weights; it must be at least 20.\n"
    )


@pytest.mark.parametrize("value", [0.4, math.nan, -math.inf])
def test_a_claim_out_of_bounds_or_not_finite_fails(value):
    with pytest.raises(ClaimFailed, match="at least 0.5") as caught:
        claim("It is large", value, at_least=0.5, exact=True)
    assert caught.value.text == "It is large"
    assert caught.value.value == value or math.isnan(value)


@pytest.mark.parametrize(
    ("thresholds", "message"),
    [
        ({}, "needs a threshold"),
        ({"within": 1, "at_least": 0}, "stands alone"),
        ({"within": 0}, "above 0"),
        ({"within": -2}, "above 0"),
    ],
)
def test_thresholds_that_make_no_sense_are_refused(thresholds, message):
    with pytest.raises(ValueError, match=message):
        claim("Something", Measured.of(SURE), **thresholds)


@pytest.mark.parametrize(
    ("found", "expected", "within", "line"),
    [
        (31_030_658, 31_030_658, 0, "Check: Same: both are 31030658."),
        (3.1e-7, 0, 1e-5, "Check: Same: the two agree within 1e-05."),
        (np.ones((2, 3)), np.ones((2, 3)), 1e-5, "Check: Same: 6 numbers agree within 1e-05."),
        ((27, 27, 64), [27, 27, 64], 0, "Check: Same: 3 numbers agree."),
        ("max", "max", 0, "Check: Same: the two agree."),
        (True, True, 0, "Check: Same: both are True."),
    ],
)  # fmt: skip
def test_a_check_that_holds_says_what_agrees(capsys, found, expected, within, line):
    check("Same", found, expected, within=within)
    assert capsys.readouterr().out == line + "\n"


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (27, 28),
        (np.zeros(3), np.zeros(4)),
        (np.zeros((3, 1)), np.zeros((1, 3))),
        ("max", "mean"),
        (math.nan, math.nan),
        (np.array([0.0, math.inf]), np.array([0.0, 1.0])),
        (1e-4, 0),
    ],
)
def test_a_check_fails_on_other_values_shapes_and_on_what_is_no_number(found, expected):
    with pytest.raises(ClaimFailed, match="Fails: Same"):
        check("Same", found, expected, within=1e-5)


def test_report_mode_prints_a_failed_claim_and_goes_on(monkeypatch, capsys):
    monkeypatch.setenv("CNN50_CLAIMS", "report")
    claim("It is large", 0.1, at_least=0.5, exact=True)
    assert capsys.readouterr().out.startswith("Fails: It is large.")


def test_a_smoke_run_only_reports(monkeypatch, capsys):
    monkeypatch.setenv("CNN50_STEPS", "2")
    claim("It is large", 0.1, at_least=0.5, exact=True)
    assert "Fails" in capsys.readouterr().out


def test_an_unknown_claim_mode_is_an_error(monkeypatch):
    monkeypatch.setenv("CNN50_CLAIMS", "maybe")
    with pytest.raises(ValueError, match="CNN50_CLAIMS"):
        claim("It is large", 0.1, at_least=0.5, exact=True)


def test_every_claim_and_check_is_logged(monkeypatch, tmp_path):
    log = tmp_path / "claims.jsonl"
    monkeypatch.setenv("CNN50_CLAIM_LOG", str(log))
    claim("Small", Measured.of([1.0, 1.0]), at_most=5)
    check("Same", 3, 3)
    claim("No difference", Measured.of([0.0, 0.0]), within=2)
    with pytest.raises(ClaimFailed):
        claim("Large", 0.1, at_least=0.5, exact=True)
    first, second, third, fourth = map(json.loads, log.read_text().splitlines())
    assert first == {
        "kind": "claim", "text": "Small", "value": 1.0, "low": 1.0, "high": 1.0, "at_least": None,
        "at_most": 5, "held": True,
    }  # fmt: skip
    assert (second["kind"], second["value"], second["held"]) == ("check", 0.0, True)
    assert (third["at_least"], third["at_most"]) == (-2, 2)
    assert fourth["held"] is False


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


def test_repeat_over_cases_counts_runs_and_cases(monkeypatch):
    right = np.tile([0.0, 100.0], 50)
    by_cases = repeat(lambda seed: {"ours": right}, within=(0, 100))["ours"]
    by_runs = repeat(lambda seed: float(right.mean()))
    assert by_cases.mean == by_runs.mean == 50
    assert by_runs.low == 50 and 40 < by_cases.low < 44
    assert by_cases.over == "3 runs, 100 cases"
    with pytest.raises(ValueError, match="same cases"):
        repeat(lambda seed: np.zeros(20 + seed))


def test_repeat_wants_the_same_keys():
    with pytest.raises(ValueError, match="same keys"):
        repeat(lambda seed: {str(seed): 1.0})


def test_time_ratio_tells_slow_from_fast():
    assert time_ratio(lambda: sum(range(200_000)), lambda: sum(range(1_000))).low > 10
