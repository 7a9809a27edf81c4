"""One fresh kernel for one notebook, run cell by cell, with errors that say what to look at."""

from __future__ import annotations

import re
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from queue import Empty
from types import TracebackType
from typing import Any

from jupyter_client.asynchronous import AsyncKernelClient
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from tools.verify.patience import ANSWER, Watch
from tools.verify.surroundings import environment
from tools.verify.warm_kernel import manager_options


class CellFailed(Exception):
    """A cell that raised, hung, or took the kernel with it. ``kind`` names the exception."""

    def __init__(self, message: str, kind: str):
        super().__init__(message)
        self.kind = kind


class PromptClient(AsyncKernelClient):
    """Takes a kernel for ready once it has answered a greeting and broadcast the end of it.

    The library's own client waits for a fifth of a second of silence besides.
    """

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Greet until both have arrived; RuntimeError where the kernel dies or time is up."""
        ends = None if timeout is None else time.monotonic() + timeout
        while ends is None or time.monotonic() < ends:
            greeting = self.kernel_info()
            try:
                await self.get_shell_msg(timeout=1)
                while not ends_request(await self.get_iopub_msg(timeout=0.2), greeting):
                    pass
                return
            except Empty:  # the kernel is not up yet, or its broadcasts are not yet received
                if not await self.is_alive():
                    raise RuntimeError("the kernel died before it answered") from None
        raise RuntimeError(f"the kernel did not answer within {timeout:.0f} s")


def ends_request(message: dict[str, Any], request: str) -> bool:
    """Whether a broadcast says that the kernel is done with the request of that number."""
    return (
        message["parent_header"].get("msg_id") == request
        and message["content"].get("execution_state") == "idle"
    )


class WatchingClient(NotebookClient):
    """Looks every second whether the kernel lives, as the library does, and whether it hangs."""

    watch: Watch | None = None
    complaint = ""

    async def _async_check_alive(self) -> None:
        await super()._async_check_alive()
        if self.watch is not None:
            self.complaint = self.watch.complaint()
        if self.complaint:
            raise DeadKernelError(self.complaint)


class Run:
    """A notebook in a fresh kernel, in an empty folder of its own.

    ``budget`` is what the page may use of processor seconds; one that uses very many times as much,
    or none for minutes, is ended (``tools/verify/patience.py``). ``watch`` knows what was used.
    ``python`` is the interpreter, where it is not this one; without ``warm`` the kernel starts the
    ordinary way; settings are environment variables.
    Use it as a context and call ``cell`` for the places of the notebook to run, in order.
    """

    def __init__(
        self,
        notebook: NotebookNode,
        root: Path,
        budget: float,
        *,
        python: str = sys.executable,
        warm: bool = True,
        **settings: str,
    ):
        self.notebook = notebook
        self.root = root
        self.python = python
        self.warm = warm
        self.environment = environment(root, python, **settings)
        self.budget = budget
        self._stack = ExitStack()

    def __enter__(self) -> Run:
        folder = self._stack.enter_context(
            tempfile.TemporaryDirectory(prefix="page-", ignore_cleanup_errors=True)
        )
        self._stderr = self._stack.enter_context(tempfile.TemporaryFile("w+"))
        manager = AsyncKernelManager(
            client_class=f"{__name__}.{PromptClient.__name__}",
            **manager_options(self.root, self.python, self.warm),
        )
        self._client = WatchingClient(
            self.notebook,
            km=manager,
            resources={"metadata": {"path": folder}},
            record_timing=False,
            coalesce_streams=True,
            shutdown_kernel="immediate",
            startup_timeout=ANSWER,
            iopub_timeout=ANSWER,  # for the outputs of a cell that has ended, on a busy machine
            raise_on_iopub_timeout=True,
        )
        self._stack.enter_context(
            self._client.setup_kernel(env=self.environment, cleanup_kc=True, stderr=self._stderr)
        )
        self.watch = Watch(manager.provisioner.pid, self.budget)
        self._client.watch = self.watch
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stack.close()

    def cell(self, place: int) -> None:
        """Run the cell at ``place`` of the notebook; its outputs go into the notebook."""
        self.watch.begin()
        try:
            self._client.execute_cell(self.notebook.cells[place], place)
        except CellExecutionError as error:
            raise CellFailed(tail(error.traceback), error.ename) from None
        except CellTimeoutError:
            raise CellFailed("the cell ended, but its outputs never arrived", "Hang") from None
        except DeadKernelError:
            if self._client.complaint:
                raise CellFailed(self._client.complaint, "Hang") from None
            self._stderr.seek(0)
            raise CellFailed(died(self._stderr.read()), "KernelDied") from None


def died(stderr: str) -> str:
    """The message for a kernel that died, with what it last wrote outside any cell."""
    lines = [line for line in stderr.splitlines() if line.strip() and "IPKernelApp" not in line]
    last = ("; it last wrote: " + " / ".join(lines[-3:])) if lines else ""
    return f"the kernel died (out of memory, or a crash in compiled code){last}"


def tail(traceback: str, lines: int = 20) -> str:
    """The last lines of a traceback, without colours."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", traceback)
    return "\n".join(plain.rstrip().splitlines()[-lines:])


def first_line(source: str) -> str:
    """The first line of a cell that is code, to tell cells apart in messages."""
    lines = [line.strip() for line in source.splitlines()]
    return next((line for line in lines if line and not line.startswith("#")), "")[:60]
