"""The warm parent of kernels: imports what pages import, runs nothing, and forks when asked.

Started by ``tools/verify/warm_kernel.py``, with the number of a socket on which orders arrive. Each
order asks for one kernel and brings a connection that stays open as long as the kernel may live:
who closes it ends the kernel, so that no kernel outlives the run that wanted it. The parent ends
when the other end of the orders is closed.

cnn50 itself is not imported here: importing it sets seeds and reads settings, which belong to each
page. Nothing here computes, so that no thread pool exists yet when a kernel is forked.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import random
import selectors
import signal
import socket
import sys
import traceback
import warnings
from typing import Any, NoReturn

from tools.verify.start_kernel import start_kernel

PRELOADED = (
    "ipykernel.kernelapp",
    "ipykernel.debugger",
    "IPython.core.completerlib",
    "IPython.core.debugger",
    "IPython.extensions.storemagic",
    "matplotlib.figure",
    "matplotlib.backends.backend_agg",
    "matplotlib.pyplot",
    "numpy",
    "matplotlib.patheffects",
    "pooch",
    "filelock",
    "PIL.ImageFont",
    "PIL.PngImagePlugin",
    "PIL.JpegImagePlugin",
    "scipy.stats",
    "scipy.ndimage",
    "sklearn.linear_model",
    "sklearn.metrics",
    "skimage.transform",
    "tensorflow",
    "keras",
)
"""What pages import, slowest last. What is not installed is left out."""

MESSAGE_SIZE = 1 << 20  # bytes: an order is a folder, a file name, and an environment


def preload() -> None:
    """Import ``PRELOADED``; a parent that lacks one of them still serves."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in PRELOADED:
            with contextlib.suppress(ModuleNotFoundError):
                importlib.import_module(name)


class Parent:
    """Takes orders: forks a kernel for each, reaps it, and says how it ended."""

    def __init__(self, orders: socket.socket) -> None:
        self.selector = selectors.DefaultSelector()
        self.kernels: dict[int, socket.socket] = {}  # process number: the connection that asked
        self.orders = orders
        self.woken, wake = socket.socketpair()
        wake.setblocking(False)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        self.waker = wake
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for who started us
        for watched in (self.orders, self.woken):
            self.selector.register(watched, selectors.EVENT_READ)

    def serve(self) -> None:
        """Until nobody can give orders any more."""
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.orders:
                    message, files, _, _ = socket.recv_fds(self.orders, MESSAGE_SIZE, 2)
                    if not message:
                        self.close()
                        return
                    self.open(json.loads(message), socket.socket(fileno=files[0]), files[1])
                elif key.fileobj is self.woken:
                    self.woken.recv(1024)
                    self.reap()
                else:
                    self.hear(key.fileobj)  # type: ignore[arg-type]

    def open(self, order: dict[str, Any], connection: socket.socket, stderr: int) -> None:
        """Fork the kernel that an order asks for."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the threads of OpenBLAS look after themselves
            number = os.fork()
        if number == 0:
            self.become_kernel(connection, order, stderr)
        os.close(stderr)
        self.kernels[number] = connection
        self.selector.register(connection, selectors.EVENT_READ)
        connection.sendall(f"{number}\n".encode())

    def hear(self, connection: socket.socket) -> None:
        """Who asked for a kernel sends nothing more: a closed connection ends the kernel."""
        if connection.recv(1024):
            return
        self.selector.unregister(connection)
        for number, asked in self.kernels.items():
            if asked is connection:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(number, signal.SIGKILL)

    def reap(self) -> None:
        """Collect the kernels that ended and tell who asked for them."""
        for number in list(self.kernels):
            ended, status = os.waitpid(number, os.WNOHANG)
            if ended == 0:
                continue
            connection = self.kernels.pop(number)
            with contextlib.suppress(KeyError, ValueError):
                self.selector.unregister(connection)
            with contextlib.suppress(OSError):
                connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
            connection.close()

    def close(self) -> None:
        """End all kernels; nobody will ask for another."""
        for number in self.kernels:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(number, signal.SIGKILL)

    def become_kernel(
        self, connection: socket.socket, order: dict[str, Any], stderr: int
    ) -> NoReturn:
        """In the forked child: drop what belongs to the parent, then run as a kernel of its own."""
        code = 1
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            self.selector.close()
            opened_here = (self.orders, self.woken, self.waker, connection)
            for opened in (*opened_here, *self.kernels.values()):
                opened.close()
            nothing = os.open(os.devnull, os.O_RDONLY)
            for source, target in ((nothing, 0), (stderr, 1), (stderr, 2)):
                os.dup2(source, target)
            os.close(nothing)
            os.close(stderr)
            start_afresh(order)
            run_kernel(order["arguments"])
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(BaseException):
                atexit._run_exitfuncs()
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)


def start_afresh(order: dict[str, Any]) -> None:
    """The state that a fresh interpreter would have: folder, environment, random numbers."""
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environment"])
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()


def run_kernel(arguments: list[str]) -> None:
    """What ``tools/verify/start_kernel.py`` does. The kernel ends when this parent does."""
    parent = os.getppid()
    os.environ["JPY_PARENT_PID"] = str(parent)
    start_kernel([*arguments, f"--IPKernelApp.parent_handle={parent}"])


def main() -> None:
    """Serve the socket whose number is the only argument; say ``ready`` once kernels can be had."""
    if sys.path and sys.path[0] == "":
        del sys.path[0]  # as ipykernel_launcher does
    preload()
    parent = Parent(socket.socket(fileno=int(sys.argv[1])))
    gc.collect()
    gc.freeze()  # so that a child's garbage collection does not copy the parent's pages
    print("ready", flush=True)
    parent.serve()
