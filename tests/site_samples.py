"""The book's site, built once; and a small copy with two pages that hold what real ones may."""

from __future__ import annotations

import base64
import io
import os
import resource
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import nbformat
import numpy as np
import pytest
from filelock import FileLock
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image, ImageDraw

from cnn50 import figures
from tools import ROOT
from tools.pages.page import setup_cell
from tools.pages.questions import Question, find_question
from tools.pages.toc import update
from tools.site import build
from tools.site.publish_as import publish_as
from tools.site.repository import Repository

REPOSITORY = Repository("example/cnn50", "a/branch")
FIGURE_TEXT = "Accuracy against shift in pixels: max pooling 0.91, average pooling 0.87, none 0.62."
COPIED = ["_config.yml", "book", "cnn50", "pyproject.toml", "README.md", "LICENSE"]
FORMULAS = r"""
The output has $\lfloor (n + 2p - k) / s \rfloor + 1$ values; $\hat{y}_i \in \mathbb{R}^{C}$,
$\theta$ and $\nabla_\theta \mathcal{L}$ are as usual.

$$
y_{i,j} = \sum_{u=0}^{k-1} \sum_{v=0}^{k-1} w_{u,v}\, x_{i s + u,\, j s + v} + b,
\qquad \sigma(z) = \frac{1}{1 + e^{-z}},
\qquad \operatorname{IoU}(A, B) = \frac{|A \cap B|}{|A \cup B|}
$$

$$
\begin{aligned}
\mathcal{L} &= \mathcal{L}_\text{cls} + \mathcal{L}_\text{box} + \mathcal{L}_\text{mask} \\
f(x) &= \begin{cases} 0.5 x^2 & \text{if } |x| < 1 \\ |x| - 0.5 & \text{otherwise} \end{cases}
\end{aligned}
$$
"""
DRAWING_TEXT = "An image of 3 by 800 by 1216 passes four stages, then a grid reads a box of it."
ANSWER = """
## Answer

Pooling takes a window and keeps one number of it. This builds on
[question 1](q01-feature-extraction.ipynb) and is taken up in
[question 50](q50-multi-label.ipynb), and the [glossary](../book/glossary.md) names the terms; see
also [the evidence](#evidence).
{formulas}
- a list item with `code_in_a_line(x)` and **bold words**
- another, with a [primary source](https://arxiv.org/abs/1703.06870)

| pooling | what it keeps | gradient goes to | parameters | invariant to shifts | typical use |
|---|---|---|---|---|---|
| max | the largest value | the largest value | none | partly | inside the network |
| average | the mean | all values alike | none | partly | at the end of the network |

> **Note.** A stride above one drops values.

> A block quote with no keyword stays a quotation.

> **Keras note.** `Dropout` runs in training only. Call a model with
> `training=True` to see it.
>
> A second paragraph of the note.

> **Keras Note:** The layer named $\\operatorname{{BN}}$ keeps its means in `moving_mean`, which a
> frozen layer no longer changes.

> **Keras note.** A long first sentence of the note goes on for more words than a summary has room
> for.

A 1 × 1 convolution mixes channels; a $3 \\times 3$ one looks around. V-Net is named here, and
state-of-the-art skip‑connections.
"""
DETAILS = """
## What people get wrong

> **Common mistake.** "Pooling makes a network translation invariant." Only partly.

## Check yourself

1. What is $2 + 2$?

   <details><summary>Answer</summary>

   It is $4$, as **everyone** knows.

   </details>

## Exercises

1. **Break it.** Change the line.
"""
TABLE = (
    '<table class="cnn50-table"><caption>Pooling by shift</caption>'
    "<thead><tr><th>pooling</th><th>shift 0</th>"
    + "".join(f"<th>shift by {k} pixels</th>" for k in range(1, 9))
    + "</tr></thead><tbody><tr><td>max</td>"
    + '<td style="text-align: right">0.91 (0.89 to 0.93)</td>' * 9
    + "</tr><tr><td>average</td>"
    + '<td style="text-align: right">0.87 (0.84 to 0.90)</td>' * 9
    + "</tr></tbody></table>"
)
SOURCES = """
## Sources

- He, K. and others (2017). [Mask R-CNN](https://arxiv.org/abs/1703.06870). *ICCV*.
- Zhang, R. (2019).
  [Making Convolutional Networks Shift-Invariant Again](https://arxiv.org/abs/1904.11486). *ICML*.
"""


def picture() -> str:
    """A PNG as base64: a white figure with a few lines on it."""
    image = Image.new("RGB", (770, 330), "white")
    draw = ImageDraw.Draw(image)
    draw.line([(60, 20), (60, 290), (740, 290)], fill="black", width=2)
    for k, colour in enumerate(("#0072B2", "#D55E00", "#009E73")):
        points = [(60 + 80 * i, 60 + 40 * k + (i * i) * (k + 1)) for i in range(9)]
        draw.line(points, fill=colour, width=4)
    draw.text((300, 300), "shift in pixels", fill="black")
    stream = io.BytesIO()
    image.save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()


def displayed(call: Callable[..., None], *args: object, **options: object) -> NotebookNode:
    """What a function of ``cnn50.figures`` displays, as an output."""
    shown: list[dict[str, str]] = []
    with mock.patch("cnn50.figures.base.display", lambda parts, raw: shown.append(parts)):
        call(*args, **options)
    return new_output("display_data", data=shown[0])


def drawing() -> NotebookNode:
    """A drawing with two layouts, that is as wide as a plan may be."""
    return displayed(
        figures.drawing,
        "image\nC2 C3 C4 C5\nread . grid",
        {
            "image": figures.tensor((800, 1216, 3), "Image"),
            "grid": figures.grid(np.eye(3), "RoI Align", boxes={"blue": [(0.2, 0.4, 2.5, 2)]}),
        },
        ["image -> C2: 3 × 800 × 1216", "C2 -> C3 -> C4 -> C5", "C5 -> grid", "C2 --> read"],
        text=DRAWING_TEXT,
        wide="image C2 C3 C4 C5 read grid",
        groups={"Backbone": "C2 C3 C4 C5"},
        colors={"blue": "C2 C3 C4 C5", "orange": "read"},
    )


def slider() -> NotebookNode:
    """A slider over five frames, one of which has a caption of several lines."""
    frames = [np.roll(np.tri(40, 60), k, axis=1) for k in range(5)]
    captions = ["Accuracy 0.9.", "Accuracy 0.8." * 20, *(f"Accuracy 0.{7 - k}." for k in range(3))]
    return displayed(
        figures.slider,
        frames,
        range(5),
        label="Shift",
        unit="pixels",
        captions=captions,
        text="A triangle moves to the right.",
        start=2,
    )


def code(source: str, count: int, outputs: list[NotebookNode], **metadata: object) -> NotebookNode:
    """An executed code cell."""
    cell = new_code_cell(source, execution_count=count, outputs=outputs, metadata=metadata)
    return cell


def sample(question: Question, facts: dict, *, figure_text: str = FIGURE_TEXT) -> NotebookNode:
    """A page with formulas, figures, tables, folds, call-outs and links."""
    verdict = (
        "Holds: max pooling keeps more than average. Measured 0.91 (0.89 to 0.93) over 3 runs.\n"
    )
    stream = new_output("stream", name="stdout", text=verdict)
    long_line = "result = one_function(first_argument, second_argument) + another_one(third, 4)"
    figure = {"image/png": picture(), "text/plain": figure_text}
    table = {"text/html": TABLE, "text/plain": "Pooling by shift: max 0.91 (0.89 to 0.93)"}
    cells = [
        new_markdown_cell(f"# {question.number}. {question.title}"),
        new_markdown_cell("> **In one breath.** Pooling keeps the strongest answer."),
        code(setup_cell(), 1, [], tags=["hide-cell"]),
        code(f"import cnn50\n\n{long_line}  # a long comment\nprint(result)", 2, [stream]),
        new_markdown_cell(ANSWER.format(formulas=FORMULAS)),
        code("figures.drawing(plan, text=text)", 3, [drawing()], tags=["hide-input"]),
        code("# A helper. More.\ndef helper(): ...", 4, [], tags=["hide-input"]),
        code("figures.slider(frames, range(5), label='Shift')", 5, [slider()]),
        new_markdown_cell("## Evidence\n\n### Max pooling keeps more than average pooling"),
        code("figures.curves(shifts, accuracy)", 6, [new_output("display_data", data=figure)]),
        code("figures.table(rows)", 7, [new_output("display_data", data=table)]),
        new_markdown_cell(DETAILS),
        code("# @title Solution\nprint('yes')", 8, [stream], tags=["hide-cell"], cellView="form"),
        new_markdown_cell("## On a GPU\n\nNothing grows." + SOURCES),
    ]
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python", "pygments_lexer": "ipython3"},
        "cnn50": facts,
        "cnn50_stored": "0123456789abcdef",
    }
    return new_notebook(cells=cells, metadata=metadata)


def first_page() -> NotebookNode:
    """Stands in for question 1."""
    facts = {"level": 1, "prerequisites": [], "budget_s": 45}
    facts["techniques"] = {"runs": {"convolution": "conv"}, "shows": ["feature-map"]}
    return sample(find_question("q01"), facts)


def second_page(figure_text: str = FIGURE_TEXT) -> NotebookNode:
    """Stands in for question 16."""
    facts = {"level": 2, "prerequisites": [1, 2], "budget_s": 150}
    facts["techniques"] = {"runs": {"max-pooling": "pool"}, "explains": ["convolution"]}
    facts["history"] = ["The bound was 0.9 at first; `repeat` with 3 seeds moved it.", "A trial."]
    return sample(find_question("q16"), facts, figure_text=figure_text)


def make_book(root: Path, second: NotebookNode | None = None) -> Path:
    """Copy the book to ``root`` with the two sample pages as its only questions."""
    root.mkdir(parents=True, exist_ok=True)
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            ignore = shutil.ignore_patterns("__pycache__", "questions")
            shutil.copytree(source, root / name, ignore=ignore)
        else:
            shutil.copy(source, root / name)
    (root / "notebooks").mkdir()
    nbformat.write(first_page(), root / "notebooks" / "q01-feature-extraction.ipynb")
    nbformat.write(second or second_page(), root / "notebooks" / "q16-spatial-pooling.ipynb")
    update(root)
    return root


def published_copy(root: Path, name: str, branch: str) -> Path:
    """A copy of the book as it stands, published as ``name``."""
    root.mkdir(parents=True)
    for part in [*COPIED, "_toc.yml", "notebooks", "requirements.txt"]:
        source, target = ROOT / part, root / part
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    publish_as(name, root, branch)
    return root


@dataclass(frozen=True)
class Built:
    """The book as it stands, published from ``REPOSITORY``: its files and its site, to be read."""

    folder: Path

    @property
    def root(self) -> Path:
        return self.folder / "book"

    @property
    def html(self) -> Path:
        return self.folder / "html"

    @property
    def seconds(self) -> float:
        """What the build took of processor time."""
        return float((self.folder / "seconds").read_text())


def built_book(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Builds it where no test of this run has done so yet, in whichever worker."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    built = Built(shared / "built")
    with FileLock(shared / "built.lock"):
        if not (built.folder / "seconds").exists():
            shutil.rmtree(built.folder, ignore_errors=True)
            published_copy(built.root, REPOSITORY.name, REPOSITORY.branch)
            started = processor_seconds()
            build.build(built.root, built.html, REPOSITORY)
            (built.folder / "seconds").write_text(str(processor_seconds() - started))
    return built


def processor_seconds() -> float:
    """What child processes have used: the time of a build, whatever else the machine does."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
