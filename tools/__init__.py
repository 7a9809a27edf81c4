"""The programs behind the make targets: one module a target, run as ``python -m tools.<name>``."""
