"""A tiny project in a temporary folder: its pages import nothing heavy, so tests are quick."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tools.pages.page import Page, setup_cell
from tools.pages.questions import find_question

QUESTIONS = {
    "parts": [
        {
            "part": 1,
            "title": "How a network sees",
            "questions": [
                {
                    "number": 1,
                    "slug": "q01-addition",
                    "short": "Addition",
                    "question": "Can you explain how numbers are added?",
                },
                {
                    "number": 2,
                    "slug": "q02-learning",
                    "short": "Learning",
                    "question": "How does a line learn its slope?",
                },
            ],
        }
    ]
}

CNN50 = {
    "__init__.py": '''
"""A stand-in for the package: the same interface, without TensorFlow."""
import os


def seed(k=0):
    return int(os.environ.get("CNN50_BASE_SEED", 0)) + k


def steps(n):
    n = n * int(os.environ.get("CNN50_TRAINING", 1))
    return min(n, int(os.environ.get("CNN50_STEPS", n)))


def pick(name, *, cpu, gpu):
    return gpu if os.environ.get("CNN50_SCALE") == "gpu" else cpu


def scale_report(page):
    print("Nothing grows on page", page, pick("numbers", cpu=2, gpu=3))
''',
    "evidence.py": '''
"""Claims."""
import json
import os


class ClaimFailed(AssertionError):
    """A claim that does not hold."""


def check(text, found, expected):
    """Compare two numbers."""
    claim(text, abs(found - expected), at_most=0, kind="check")


def claim(text, value, *, at_least=None, at_most=None, exact=False, kind="claim"):
    """Hold a value to its bounds."""
    value = float(value)
    held = (at_least is None or value >= at_least) and (at_most is None or value <= at_most)
    if os.environ.get("CNN50_CLAIM_LOG"):
        record = dict(
            kind=kind, text=text, value=value, low=value, high=value, at_least=at_least,
            at_most=at_most, held=held,
        )
        with open(os.environ["CNN50_CLAIM_LOG"], "a") as log:
            log.write(json.dumps(record) + "\\n")
    print(f"{'Holds' if held else 'Fails'}: {text}. Measured {value:.3g}.")
    if not held and os.environ.get("CNN50_CLAIMS") != "report":
        raise ClaimFailed(text)
''',
    "unused.py": "X = 1\n",
}

FACTS = {
    "level": 1,
    "prerequisites": [],
    "budget_s": 20,
    "techniques": {"runs": {"addition": "add"}, "shows": [], "explains": []},
    "exception": "Only two things can be said of adding.",
    "breaks": [
        {"find": "a + b", "replace": "a - b", "fails": "Two and two"},
        {"find": "a + b", "replace": "a + b * b", "fails": "The order does not matter"},
    ],
}

WORDS = " ".join(f"word{i} about adding" for i in range(200))

PAGE = """\
# 1. Can you explain how numbers are added?

> **In one breath.** Adding two numbers counts on from the first as many steps as the second says.

```{{code-cell}} ipython3
{setup}
```

```{{code-cell}} ipython3
import cnn50
from cnn50.evidence import claim


def add(a, b):
    return a + b
```

## Answer

{words}

```{{code-cell}} ipython3
print("a drawing")
```

### At full size

| compared | effect | source |
|---|---|---|
| two adders, 12.5 % apart | 1 | [One](https://example.org/1), Table 1 |
| two adders | 2 | [Two](https://example.org/2), Table 2 |
| two adders | 3 | [Three](https://example.org/3), Table 3 |

## Evidence

### Two and two make four

```{{code-cell}} ipython3
total = add(2, 2)
print("The total is", total)
```

```{{code-cell}} ipython3
claim("Two and two make four", total, at_least=4, at_most=4)
```

### The order does not matter

```{{code-cell}} ipython3
difference = add(2, 3) - add(3, 2)
claim("The order does not matter: both orders agree", difference, at_most=0)
```

## What people get wrong

**Common mistake.** "Adding makes a number larger." Not where a number is negative.

**Common mistake.** "The order matters." The evidence above shows that it does not.

## Check yourself

1. What is two and two?

   <details><summary>Answer</summary>

   It is four, since counting on from two by two more steps ends at the number four.

   </details>

2. Does the order of the two numbers matter?

   <details><summary>Answer</summary>

   No: the number of steps that are counted is the same from either side, as was shown above.

   </details>

3. What is adding zero?

   <details><summary>Answer</summary>

   It is no step at all, so that the number stays what it was: zero is the neutral element here.

   </details>

## Exercises

1. **Break it.** Subtract instead. Which claim fails?

   <details><summary>Answer</summary>

   "Two and two make four": their difference is zero, which is less than the four it should be.

   </details>

2. Add three numbers.

```{{code-cell}} ipython3
:tags: [hide-cell]
:cellView: form

# @title Solution
print(add(add(1, 2), 3))
```

3. Add a negative number.

```{{code-cell}} ipython3
:tags: [hide-cell]
:cellView: form

# @title Solution
print(add(1, -2))
```

## On a GPU

```{{code-cell}} ipython3
cnn50.scale_report("q01")
```

## Sources

- [One](https://example.org/1)
- [Two](https://example.org/2)
- [Three](https://example.org/3)
"""


def front_matter(facts: dict) -> str:
    """The head of a page, as people write it."""
    head = {"kernelspec": {"display_name": "Python 3", "name": "python3"}, "cnn50": facts}
    return "---\n" + yaml.safe_dump(head, sort_keys=False) + "---\n\n"


def good_page(facts: dict | None = None) -> str:
    """A page that keeps every rule."""
    body = PAGE.format(words=WORDS, setup=setup_cell())
    return front_matter(facts or FACTS) + body


def make_project(root: Path, pages: dict[str, str] | None = None) -> Path:
    """Write a project with the given pages (slug: Markdown), the good page where none is given."""
    (root / "book" / "questions").mkdir(parents=True)
    (root / "notebooks").mkdir()
    (root / "cnn50" / "measured").mkdir(parents=True)
    (root / "book" / "questions.yml").write_text(yaml.safe_dump(QUESTIONS))
    techniques = [{"id": "addition", "name": "addition", "definition": "d", "source": "s"}]
    (root / "book" / "techniques.yml").write_text(yaml.safe_dump(techniques))
    (root / "requirements.txt").write_text("numpy==2.1.3\nfilelock==4.0\n")
    for name, text in CNN50.items():
        (root / "cnn50" / name).write_text(text.lstrip())
    for slug, text in (pages or {"q01-addition": good_page()}).items():
        (root / "book" / "questions" / f"{slug}.md").write_text(text)
    return root


def page_of(root: Path, name: str = "q01") -> Page:
    """A page of the project."""
    return Page(find_question(name, root), root)


def stored_runs(root: Path) -> dict:
    """What ``notebooks/runs.json`` holds."""
    return json.loads((root / "notebooks" / "runs.json").read_text())
