"""What grows on a GPU, as a table that each page shows near its end."""

from __future__ import annotations

from cnn50 import figures, runtime


def scale_report(page: str) -> None:
    """Show what grows on a GPU: the page's picks, then run times measured elsewhere.

    ``page`` is the page's short name, such as ``"q24"``. Times come only from the data file
    ``cnn50/measured/gpu.json``; where it holds none for the page, the report says so. Raises
    ``ValueError`` where the page picked nothing.
    """
    rows = [
        {"what": choice.name, "verified on a CPU": choice.cpu, "on a GPU": choice.gpu}
        for choice in runtime.choices()
    ]
    if not rows:
        raise ValueError(
            "Nothing was picked on this page: call pick(name, cpu=..., gpu=...) first."
        )
    figures.table(rows, text=f"What grows on a GPU (this run: {runtime.scale()} size)")
    runs = [run for run in runtime.measured("gpu").get("runs", []) if run["page"] == page]
    for run in runs:
        print("Measured elsewhere:", ", ".join(f"{key} {run[key]}" for key in run if key != "page"))
    if not runs:
        print("No run time on a GPU has been measured for this page yet.")
