"""The programs behind the make targets, run as ``python -m tools.<room>.<name>``, in three rooms:

pages   what a page is, the rules that it keeps, and how its notebook is made from it
verify  how pages are run, compared with what is stored, and broken on purpose
site    how the site is built from the stored outputs and published

Shared by the rooms: ``options``, what the programs take on their command lines, ``parallel``, which
works on several pages at a time, ``git``, what git knows about this copy of the book, and
``environment``, which makes .venv.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
"""The project that these tools stand in; they work on it where no other one is named."""
