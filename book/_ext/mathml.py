"""Writes mathematics as MathML, which browsers draw themselves: no script, no other host."""

from __future__ import annotations

import html
import re
from typing import Any

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

LOG = logging.getLogger(__name__)
MACROS = {"substack": r"\begin{subarray}{c}#1\end{subarray}"}  # which math-core does not know
CONVERTER = LatexToMathML(macros=MACROS, fancy_error=False)
UNNUMBERED = {"equation": "equation*", "align": "align*", "gather": "gather*", "split": "aligned"}
PRIME = re.compile(r"<msup>(<mi>[^<]*</mi>)<mo>′</mo></msup>")  # too small as a superscript
ENVIRONMENT = re.compile(r"\\(begin|end)\{(\w+)\}")


def to_mathml(tex: str, *, display: bool) -> str:
    """The ``<math>`` element of a formula. Raises ``LatexError`` where it is not understood."""
    tex = ENVIRONMENT.sub(lambda m: f"\\{m[1]}{{{UNNUMBERED.get(m[2], m[2])}}}", tex.strip())
    if display and "\\\\" in tex and "\\begin" not in tex:
        tex = f"\\begin{{aligned}}{tex}\\end{{aligned}}"
    mathml = CONVERTER.convert_with_local_state(tex, displaystyle=display)
    return PRIME.sub(r'<mrow>\1<mo lspace="0" rspace="0">′</mo></mrow>', mathml)


def write(node: nodes.Element, *, display: bool) -> str:
    """``to_mathml`` of a node; a formula that cannot be converted is a warning of the build."""
    tex = node.astext()
    try:
        return to_mathml(tex, display=display)
    except LatexError as error:
        LOG.warning("formula %r: %s", tex, error, location=node, type="cnn50", subtype="math")
        return f"<code>{html.escape(tex)}</code>"


def visit_inline(self: HTML5Translator, node: nodes.math) -> None:
    """A formula within a line."""
    self.body.append(write(node, display=False))
    raise nodes.SkipNode


def visit_display(self: HTML5Translator, node: nodes.math_block) -> None:
    """A formula on its own line; it scrolls by itself where it is wider than the screen."""
    self.body.append(self.starttag(node, "div", CLASS="formula"))
    self.body.append(f'<div class="formula-scroll">{write(node, display=True)}</div>')
    if node.get("number"):
        number = get_node_equation_number(self, node)
        self.body.append(f'<span class="formula-number">({number})</span>')
    self.body.append("</div>\n")
    raise nodes.SkipNode


def choose(app: Sphinx, config: Config) -> None:
    """Make this the renderer of the build."""
    config.html_math_renderer = "mathml"  # type: ignore[attr-defined]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the renderer."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    app.connect("config-inited", choose)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
