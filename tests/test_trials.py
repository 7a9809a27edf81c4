"""``make breaks``, ``make seeds`` and ``make gpu-smoke`` on tiny pages."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_project import FACTS, good_page, make_project, page_of
from warm_parents import parent_of_its_own

from tools import ROOT
from tools.pages import new, notebooks
from tools.pages.page import setup_cell
from tools.pages.rules import ON_TEXT, seeded
from tools.verify import breaks, bugs, changed, gpu_smoke, seeds, warm_kernel
from tools.verify.seeds import margin

pytestmark = pytest.mark.usefixtures("in_this_process")

LEARNS = """\
class Optimizer:
    def apply_gradients(self, pairs):
        return 0.9

optimizer = Optimizer()
accuracy = optimizer.apply_gradients([])
"""
KERAS = {
    "__init__.py": "class Model:\n    def fit(self): ...\n    def train_on_batch(self): ...\n",
    "src/optimizers/base_optimizer.py": "class BaseOptimizer: ...\n",
}
"""What a universal break changes of Keras; ``test_universal_breaks.py`` has the real one."""


def project(folder: Path, *changes: tuple[str, str], **facts: object) -> Path:
    text = good_page(copy.deepcopy(FACTS) | facts)
    for old, new_text in changes:
        assert old in text
        text = text.replace(old, new_text)
    return make_project(folder, {"q01-addition": text})


def run_breaks(root: Path) -> int:
    return breaks.main(["--root", str(root)])


@pytest.mark.usefixtures("in_processes_of_their_own")
def test_a_break_that_fails_its_claim(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = project(tmp_path)
    assert run_breaks(root) == 0
    said = capsys.readouterr().out
    assert "q01 | a + b -> a - b | Two and two make four = 0 | fails, as it must" in said
    stored = json.loads((root / "cnn50" / "measured" / "breaks.json").read_text())
    assert stored["q01"][0]["value"] == 0
    verdicts = [v.verdict for v in breaks.known_verdicts(page_of(root)).values()]
    assert verdicts == [breaks.KILLED, breaks.KILLED]


@pytest.mark.parametrize(
    ("replacement", "fails", "why"),
    [
        ("b + a", "Two and two", "SURVIVES"),
        ("a +", "Two and two", "SyntaxError in code cell 2"),
        ("a + c", "Two and two", "NameError in code cell 4"),
        ("float('nan')", "Two and two", "a measurement must be a finite number"),
        ("a - b", "Ten and ten", "no claim begins 'Ten and ten'"),
    ],
)
def test_a_break_that_proves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], replacement: str, fails: str, why: str
) -> None:
    entry = {"find": "a + b", "replace": replacement, "fails": fails}
    assert run_breaks(project(tmp_path, breaks=[entry])) == 1
    assert why in capsys.readouterr().out


@pytest.mark.parametrize(
    ("find", "why"), [("add(", "occurs"), ("at_least=4", "calls claim"), ("nowhere", "occurs 0")]
)
def test_a_break_that_cannot_be_applied(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], find: str, why: str
) -> None:
    entry = {"find": find, "replace": "x", "fails": "Two and two"}
    assert run_breaks(project(tmp_path, breaks=[entry])) == 1
    assert why in capsys.readouterr().out


def test_a_run_stops_at_the_claim(tmp_path: Path) -> None:
    late = ("### The order does not matter", "### The order does not matter\n\n" + "Later.")
    crash = ("difference = add(2, 3)", "import os\n\nos._exit(1)\ndifference = add(2, 3)")
    first = FACTS["breaks"][:1]
    assert run_breaks(project(tmp_path, late, crash, breaks=first)) == 0


def test_a_break_is_tried_again_only_when_code_before_its_claim_changes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = project(tmp_path)
    assert run_breaks(root) == 0
    text = page_of(root).text_path
    text.write_text(
        text.read_text().replace("difference = add(2, 3)", "difference = 0 + add(2, 3)")
    )
    assert run_breaks(root) == 0
    assert "2 breaks on 1 pages, 1 of them to be tried" in capsys.readouterr().out
    text.write_text(text.read_text().replace("total = add(2, 2)", "total = add(2, 2) + 0"))
    assert run_breaks(root) == 0
    assert "2 breaks on 1 pages, 2 of them to be tried" in capsys.readouterr().out


def test_only_pages_that_train_have_universal_breaks(tmp_path: Path) -> None:
    assert not breaks.trains(page_of(project(tmp_path / "still")))
    learning = project(
        tmp_path / "learning", ("total = add(2, 2)\n", f"total = add(2, 2)\n{LEARNS}")
    )
    assert breaks.trains(page_of(learning))
    labels = [item.label for item in breaks.breaks_of(page_of(learning))]
    assert labels == ["a + b -> a - b", "a + b -> a + b * b", "no-learning", "shuffled-labels"]


def test_training_in_the_exercises_does_not_count(tmp_path: Path) -> None:
    root = project(tmp_path, ("print(add(1, -2))", LEARNS))
    assert not breaks.trains(page_of(root))


def test_a_universal_break_that_no_claim_notices(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = project(tmp_path, ("total = add(2, 2)\n", f"total = add(2, 2)\n{LEARNS}"))
    for name, text in KERAS.items():
        path = root / "keras" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert run_breaks(root) == 1
    said = capsys.readouterr().out
    assert "no-learning" in said and "none of them shows that learning matters" in said


def test_a_universal_break_that_is_spared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reason = "nothing on this page learns from labels at all"
    root = project(
        tmp_path,
        ("total = add(2, 2)\n", f"total = add(2, 2)\n{LEARNS}"),
        spared={"no-learning": reason, "shuffled-labels": reason},
    )
    assert run_breaks(root) == 0
    assert f"spared: {reason}" in capsys.readouterr().out


@pytest.mark.usefixtures("in_processes_of_their_own")
def test_seeds_are_stored_with_their_margins(tmp_path: Path) -> None:
    root = project(tmp_path, ("total, at_least=4, at_most=4", "total + cnn50.seed(), at_least=2"))
    assert seeds.main(["--root", str(root)]) == 0
    row = json.loads((root / "cnn50" / "measured" / "seeds.json").read_text())["q01"]
    assert row["fingerprint"] == page_of(root).evidence_fingerprint
    assert row["seeds"] == [1000, 2000, 3000]
    assert row["claims"][0]["values"] == [1004, 2004, 3004]
    assert row["claims"][0]["margin"] == 502


def test_a_claim_that_fails_under_a_seed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    change = ("total, at_least=4, at_most=4", "total + (cnn50.seed() == 2000), at_most=4")
    assert seeds.main(["--root", str(project(tmp_path, change))]) == 1
    assert "FAILS: Two and two make four | 4, 5, 4" in capsys.readouterr().out


STEPS = ("total, at_least=4, at_most=4", "total + cnn50.steps(10) - 10, at_most=4")
"""The claim of a page that trains for ten steps, which does not hold after twenty."""


def test_a_claim_that_fails_with_twice_the_training(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = project(tmp_path, STEPS)
    assert seeds.main(["--root", str(root)]) == 1
    said = capsys.readouterr().out
    assert "q01 holds: Two and two make four | 4, 4, 4" in said
    assert "FAILS with twice the training: Two and two make four | 14 (14 to 14; at most 4)" in said
    assert told(seeded(page_of(root)), "with twice the training the claim 'Two and two make four'")


def test_a_claim_that_ends_with_twice_the_training_as_the_page_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ends = {"Two and two": "After twenty steps two and two make fourteen."}
    root = project(tmp_path, STEPS, ends_at_doubled=ends)
    assert seeds.main(["--root", str(root)]) == 0
    said = capsys.readouterr().out
    assert "ends, as the page says, with twice the training: Two and two make four | 14" in said
    assert "After twenty steps two and two make fourteen." in said
    row = json.loads((root / "cnn50" / "measured" / "seeds.json").read_text())["q01"]["claims"][0]
    assert row["doubled"] == {
        "value": 14,
        "low": 14,
        "high": 14,
        "margin": pytest.approx(0.2857),
        "held": False,
    }
    assert list(seeded(page_of(root))) == []


def test_twice_the_training_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = project(tmp_path)
    assert seeds.main(["--root", str(root), "--steps", "2"]) == 1
    assert "the seeds are not known for this code: run `make seeds Q=1`" in capsys.readouterr().out
    assert seeds.main(["--root", str(root)]) == 0
    path = root / "cnn50" / "measured" / "seeds.json"
    before = path.read_text()
    kept = json.loads(before)
    for row in kept["q01"]["claims"]:
        del row["doubled"]
    path.write_text(json.dumps(kept))
    assert told(seeded(page_of(root)), "not tried with twice the training")
    assert seeds.main(["--root", str(root), "--steps", "2"]) == 0
    assert path.read_text() == before
    assert "seed 1000" not in capsys.readouterr().out.split("1 pages, each with")[-1]


def told(messages: Iterator[str], why: str) -> bool:
    return any(why in message for message in messages)


def test_checks_are_held_too_and_have_no_margin(tmp_path: Path) -> None:
    check = (
        "total = add(2, 2)",
        'from cnn50.evidence import check\n\ntotal = add(2, 2)\ncheck("Four", total, 4)',
    )
    root = project(tmp_path, check)
    assert seeds.main(["--root", str(root)]) == 0
    row = json.loads((root / "cnn50" / "measured" / "seeds.json").read_text())["q01"]["claims"][0]
    assert (row["kind"], row["held"], row["margin"]) == ("check", True, None)


def test_a_page_that_raises_under_a_seed_stores_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = project(tmp_path, ("total = add(2, 2)", "total = 4 // (cnn50.seed() != 2000)"))
    assert seeds.main(["--root", str(root)]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().out
    assert not (root / "cnn50" / "measured" / "seeds.json").exists()


@pytest.mark.parametrize(
    ("bounds", "at_least", "at_most", "expected"),
    [
        ([(0.2, 0.9), (0.3, 0.4)], 0.1, None, 2.0),
        ([(0.01, 0.02), (0.04, 0.05)], None, 0.1, 2.0),
        ([(-0.9, -0.2), (-0.5, -0.4)], None, -0.1, 2.0),
        ([(0.2, 0.3)], 0.0, None, None),
        ([(-0.2, 0.3)], 0.1, None, None),
        ([(4.0, 4.0)], 2.0, 16.0, 2.0),
        ([(-1.0, 0.5), (0.1, 1.5)], -3.0, 3.0, 2.0),
        ([(0.0, 0.0)], -3.0, 3.0, None),
    ],
)
def test_margin(
    bounds: list[tuple[float, float]],
    at_least: float | None,
    at_most: float | None,
    expected: float | None,
) -> None:
    """The bound that matters to its threshold, at the worst of the runs."""
    about = {"kind": "claim", "at_least": at_least, "at_most": at_most}
    found = margin(about | {"low": low, "high": high} for low, high in bounds)
    assert found == (None if expected is None else pytest.approx(expected))


def run_bugs(root: Path, *entries: object) -> int:
    path = root / "bugs.json"
    path.write_text(json.dumps(entries))
    return bugs.main(["--root", str(root), "--file", str(path)])


def bug(find: str, replacement: str, **changes: object) -> dict[str, object]:
    return {"page": "q01", "find": find, "replace": replacement, "why": "a slip"} | changes


CHECKED = (
    "total = add(2, 2)",
    'from cnn50.evidence import check\n\ntotal = add(2, 2)\ncheck("Four is four", total - 0, 4)',
)


def test_what_bugs_come_to(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = project(tmp_path, CHECKED)
    entries = [
        bug("a + b", "a - b"),
        bug("a + b", "a + b * (a > b) + a * 0 + b * (a <= b)"),
        bug("a + b", "a + c"),
        bug("add(3, 2)", "add(3, 1)"),
        bug("total = add(2, 2)", "total = add(2, 2.5)"),
    ]
    assert run_bugs(root, *entries) == 1
    said = capsys.readouterr().out
    assert "q01 | a + b -> a - b | a slip\n    killed: the check 'Four is four' = 4" in said
    assert "    SURVIVES: all 3 claims and checks hold" in said
    assert "    only raises an error: NameError in code cell 4" in said
    assert "(3, 1) | a slip\n    killed: the claim 'The order does not matter: both orders" in said
    assert "killed: the check 'Four is four' = 0.5" in said, "beside a check, but no part of it"
    assert said.endswith("3 of 5 killed; 1 more only raise an error.\n")
    assert not (root / "cnn50" / "measured" / "breaks.json").exists()


@pytest.mark.usefixtures("in_processes_of_their_own")
def test_bugs_that_are_all_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_bugs(project(tmp_path), bug("a + b", "a - b", page="q01-addition")) == 0
    assert capsys.readouterr().out.endswith("1 of 1 killed.\n")


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"page": "q01", "find": "a + b"}, "bug 2 must have page, find, replace, why"),
        ("a + b", "bug 2 must have page, find, replace, why, and nothing else; it has 'a + b'"),
        (bug("a + b", "a", why=3), "bug 2: why must be a text"),
        (bug("a + b", "a + b"), "bug 2 (q01, 'a + b') changes nothing"),
        (bug("a + b", "a", page="q77"), "There is no question 'q77'"),
        (bug("a + b", "a", page="q02"), "there is no page q02 yet"),
        (bug("add(", "sub("), "bug 2 (q01, 'add(') cannot be applied: 'add(' occurs"),
        (bug("nowhere", "there"), "occurs 0 times"),
        (bug("a + b", "a +"), "gives code that does not parse"),
        (bug("at_least=4", "at_least=3"), "it is part of a claim or a check"),
        (bug("add(1, -2)", "add(1, 2)"), "stands in the exercises"),
    ],
)
def test_a_bug_that_cannot_be_tried(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], entry: object, why: str
) -> None:
    assert run_bugs(project(tmp_path), bug("a + b", "a - b"), entry) == 2
    assert why in capsys.readouterr().out


def test_a_file_of_bugs_that_cannot_be_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = project(tmp_path)
    path = tmp_path / "bugs.json"
    for text, why in [("", "cannot be read"), ("[{", "is no JSON"), ("{}", "must hold a list")]:
        if text:
            path.write_text(text)
        assert bugs.main(["--root", str(root), "--file", str(path)]) == 2
        assert why in capsys.readouterr().out


def test_gpu_smoke_reports_claims_and_fails_on_exceptions(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ("total = add(2, 2)", 'total = cnn50.pick("n", cpu=4, gpu=9) + 0 * cnn50.steps(5)')
    root = project(tmp_path / "a", small)
    assert gpu_smoke.main(["--root", str(root)]) == 0
    assert "2 claims reported" in capsys.readouterr().out
    rotten = ("total = add(2, 2)", 'total = 4 / cnn50.pick("n", cpu=1, gpu=0)')
    assert gpu_smoke.main(["--root", str(project(tmp_path / "b", rotten))]) == 1
    assert "ZeroDivisionError in code cell 4" in capsys.readouterr().out


def test_new_starts_a_page_and_never_overwrites(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = project(tmp_path)
    assert new.main(["2", "--root", str(root)]) == 0
    page = page_of(root, "q02")
    assert page.text.count("# 2. How does a line learn its slope?") == 1
    assert page.code[0].source == setup_cell()
    assert 'scale_report("q02")' in page.text
    assert "{" + "question}" not in page.text
    kept = {
        "answer",
        "claims",
        "full_size",
        "techniques",
        "check_yourself",
    }  # only authors have these
    for rule in ON_TEXT:
        if rule.__name__ not in kept:
            assert list(rule(page)) == [], rule.__name__
    page.text_path.write_text("mine")
    assert new.main(["q02", "--root", str(root)]) == 1
    assert page.text_path.read_text() == "mine"
    assert "is there already" in capsys.readouterr().out


def test_a_new_page_runs_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the package and the tools themselves, so that the template keeps up with them."""
    root = make_project(tmp_path / "project")
    shutil.rmtree(root / "cnn50")
    for name in ("cnn50", "tools"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(warm_kernel, "ROOT", root)  # so that kernels are forked, as for this book
    assert new.main(["2", "--root", str(root)]) == 0
    with parent_of_its_own():
        assert notebooks.main(["--pages", "q02", "--root", str(root)]) == 0
        assert breaks.main(["--pages", "q02", "--root", str(root)]) == 0


def test_changed_pages_are_those_that_were_not_seen_green(tmp_path: Path) -> None:
    root = project(tmp_path)
    assert [page.name for page in changed.changed(root)] == ["q01"]
    assert changed.main(["--record", "--root", str(root)]) == 0
    assert changed.changed(root) == []
    page = page_of(root)
    page.text_path.write_text(page.text + "\nMore.\n")
    assert [page.name for page in changed.changed(root)] == ["q01"]
