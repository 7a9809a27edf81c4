"""``make gpu-smoke``: run every page at its GPU size for two training steps, on this CPU.

It keeps the code path of larger sizes from rotting where no GPU is at hand. ``CNN50_STEPS`` caps
epochs and the steps of loops on the page; each epoch of ``fit`` is cut short as well. Claims are
reported only; an exception fails.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from tools import ROOT
from tools.options import parser, told
from tools.pages.page import pages
from tools.verify.breaks import trains
from tools.verify.trial import listen

STEPS = 2
SLOWER = 10  # times its budget, which is for CPU sizes, that a page of GPU sizes may use here
PRELUDE = f"""\
import sys
sys.path.append({str(ROOT)!r})
from tools.verify import gpu_smoke
gpu_smoke.shorten_fit()
"""


def shorten_fit() -> None:
    """In the page's kernel: every epoch of Keras' ``fit`` ends after ``STEPS`` batches."""
    import keras

    fit = keras.Model.fit

    def short(self: Any, *arguments: Any, **options: Any) -> Any:
        options["steps_per_epoch"] = min(options.get("steps_per_epoch") or STEPS, STEPS)
        return fit(self, *arguments, **options)

    keras.Model.fit = short


def smoke(root: Path, only: str) -> int:
    """Run the pages one after another, since the large sizes need the memory; 1 where one fails."""
    found = pages(root, only)
    bad = 0
    for page in found:
        start = time.perf_counter()
        budget = SLOWER * page.budget
        settings = {"CNN50_SCALE": "gpu", "CNN50_STEPS": str(STEPS)}
        heard = listen(page.code, root, budget, prelude=PRELUDE if trains(page) else "", **settings)
        bad += bool(heard.error)
        end = f"FAILED: {heard.error}" if heard.error else f"{len(heard.claims)} claims reported"
        print(f"{page.name}: {time.perf_counter() - start:.1f} s, {end}", flush=True)
    return 1 if bad else 0


def main(arguments: list[str] | None = None) -> int:
    options = parser(__doc__, jobs=False).parse_args(arguments)
    return told(smoke, options.root, options.pages)


if __name__ == "__main__":
    sys.exit(main())
