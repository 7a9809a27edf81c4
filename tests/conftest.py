"""Registers the strict notebook checks, the option ``--pages``, and the order of tests."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

pytest_plugins = ["tools.verify.strict_nbval", "tools.verify.schedule"]
