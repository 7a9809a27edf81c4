"""Keeps pages light: leaves out what the theme brings and this site does not use.

That is FontAwesome (half a megabyte of script and three fonts, for the few icons that ``book.css``
draws) and, except on the search page, the search index, which the templates in ``book/_templates``
do not load.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.config import Config

FONT_RULE = re.compile(r"@font-face\{[^}]*vendor/fontawesome[^}]*\}")


def configure(app: Sphinx, config: Config) -> None:
    """Follow the reader's system in light or dark."""
    config.html_context.setdefault("default_mode", "auto")


def drop_unused(app: Sphinx, failure: Exception | None) -> None:
    """Take FontAwesome and the source maps out of the finished site."""
    if failure is not None or app.builder.format != "html":
        return
    static = Path(app.outdir, "_static")
    for sheet in static.glob("styles/*.css"):
        text = sheet.read_text(encoding="utf-8")
        sheet.write_text(FONT_RULE.sub("", text), encoding="utf-8")
    shutil.rmtree(static / "vendor", ignore_errors=True)
    for unused in {*static.rglob("*.map"), *static.rglob("fontawesome.js*")}:
        unused.unlink()


def setup(app: Sphinx) -> dict[str, Any]:
    """Set what ``_config.yml`` has no key for, and clean up after the build."""
    app.connect("config-inited", configure)
    app.connect("build-finished", drop_unused)
    app.add_config_value("comments_config", {}, "")  # Jupyter Book sets it; no one reads it here
    return {"parallel_read_safe": True, "parallel_write_safe": True}
