"""Starts a kernel as ``python -m ipykernel_launcher`` does, without this machine's own IPython.

IPython has homes beside its user's: ``/etc/ipython`` and the like, where a machine is set up for
all. No variable turns them off, and their startup files would run before every page.
Ordinary kernels are started with this file, forked ones by its functions.
"""

from __future__ import annotations

import sys


def ignore_shared_settings() -> None:
    """Take from IPython the folders of settings that belong to all users of a machine."""
    from IPython.core import application

    for folders in (application.SYSTEM_CONFIG_DIRS, application.ENV_CONFIG_DIRS):
        folders.clear()  # in place: other modules of IPython hold the same lists


def start_kernel(arguments: list[str]) -> None:
    """Become the kernel of these arguments, until it ends."""
    import ipykernel_launcher
    from ipykernel.kernelapp import IPKernelApp

    ignore_shared_settings()
    sys.argv = [ipykernel_launcher.__file__, *arguments]
    IPKernelApp.launch_instance()


if __name__ == "__main__":
    del sys.path[0]  # the folder of this file is no place of modules
    start_kernel(sys.argv[1:])
