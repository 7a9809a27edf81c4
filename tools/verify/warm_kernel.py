"""Kernels without the wait: forked from a warm parent instead of started anew.

A fresh kernel spends seconds importing TensorFlow, Keras and the plotting stack. Here one parent
per worker process does so once (``tools/verify/warm_parent.py``), and every notebook gets a fork of
it: its own process, folder, environment and random numbers, in which nothing has run yet. This is a
kernel provisioner, jupyter_client's extension point for where kernels come from. Where forking is
no option (macOS, Windows), or with ``CNN50_WARM=0``, kernels start the ordinary way; so they do
where the parent fails, which is told.
"""

from __future__ import annotations

import atexit
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
import tempfile
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import ipykernel.kernelspec
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner

from tools import ROOT
from tools.verify.patience import ANSWER

KERNEL_NAME = "this-python"
PROVISIONER = "warm-parent"
STARTED_BY = str(ROOT / "tools" / "verify" / "start_kernel.py")
START = "from tools.verify.warm_parent import main; main()"


class ParentFailed(RuntimeError):
    """The warm parent did not get ready; the message says what it wrote last."""


class WarmParent:
    """A running ``tools/verify/warm_parent.py`` and the socket on which it takes orders."""

    def __init__(self, python: str, environment: dict[str, str]) -> None:
        self.python = python
        self.environment = environment
        self.stderr = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed in stop)
        self.orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [python, "-c", START, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self.stderr,
                env=environment,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        try:
            self._await_ready()
        except ParentFailed:
            self.stop()
            raise

    def _await_ready(self) -> None:
        assert self.process.stdout is not None
        answered, _, _ = select.select([self.process.stdout], [], [], ANSWER)
        if answered and self.process.stdout.readline().strip() == b"ready":
            return
        self.stderr.seek(0)
        last = " / ".join(self.stderr.read().strip().splitlines()[-3:])
        raise ParentFailed(f"the warm parent of kernels did not get ready: {last or 'no message'}")

    def fits(self, python: str, environment: dict[str, str]) -> bool:
        """Whether this parent is alive and would be started in the same way again."""
        same = (self.python, self.environment) == (python, environment)
        return same and self.process.poll() is None

    def order(
        self, folder: str, environment: dict[str, str], arguments: list[str], stderr: int
    ) -> tuple[socket.socket, int]:
        """Fork a kernel; the connection that keeps it alive, and its process number."""
        connection, theirs = socket.socketpair()
        order = {"folder": folder, "environment": environment, "arguments": arguments}
        with theirs:
            message = [json.dumps(order).encode()]
            socket.send_fds(self.orders, message, [theirs.fileno(), stderr])
        with connection.makefile() as answer:
            number = answer.readline()
        if not number:
            connection.close()
            raise ParentFailed("the warm parent of kernels ended instead of starting one")
        return connection, int(number)

    def stop(self) -> None:
        """End the parent and with it all its kernels."""
        assert self.process.stdout is not None
        self.orders.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.stderr.close()


_parents: list[WarmParent] = []
_refused: list[str] = []  # why no warm parent started in this process; then none is tried again


def warm_parent(python: str, environment: dict[str, str]) -> WarmParent:
    """This process's warm parent for an interpreter and environment, started when first asked for.

    Settings of cnn50 are left to the kernels; with another environment the old parent ends, since
    what is imported may have read it.
    """
    wanted = {name: value for name, value in environment.items() if not name.startswith("CNN50_")}
    if _parents and not _parents[0].fits(python, wanted):
        _parents.pop().stop()
    if not _parents:
        _parents.append(WarmParent(python, wanted))
    return _parents[0]


@atexit.register
def stop_warm_parents() -> None:
    """End this process's warm parent, if there is one."""
    while _parents:
        _parents.pop().stop()


class WarmProvisioner(LocalProvisioner):
    """Gets kernels from the warm parent; their process is watched through the connection to it.

    Where the parent fails, the kernel is an ordinary one: then ``process`` is set, and all is left
    to the class above.
    """

    connection: socket.socket | None = None
    exit_code: int | None = None

    @property
    def has_process(self) -> bool:
        return self.connection is not None or super().has_process

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """Order a kernel with the arguments that an ordinary one would get."""
        environment = {str(name): str(value) for name, value in options["env"].items()}
        stderr = options.get("stderr") or 2
        self.exit_code = None
        if _refused:
            return await super().launch_kernel(cmd, **options)
        try:
            self.connection, self.pid = warm_parent(cmd[0], environment).order(
                options.get("cwd") or str(Path.cwd()),
                environment,
                cmd[cmd.index(STARTED_BY) + 1 :],
                stderr if isinstance(stderr, int) else stderr.fileno(),
            )
        except (ParentFailed, OSError) as error:
            _refused.append(str(error))
            print(f"Kernels start the ordinary, slower way: {error}", file=sys.stderr, flush=True)
            return await super().launch_kernel(cmd, **options)
        self.pgid = self.pid
        return self.connection_info

    async def poll(self) -> int | None:
        """None while the kernel lives, then its exit code."""
        if self.process is not None:
            return await super().poll()
        if self.connection is None:
            return 0 if self.exit_code is None else self.exit_code
        if not select.select([self.connection], [], [], 0)[0]:
            return None
        said = self.connection.recv(64).strip()
        self.exit_code = int(said) if said else -signal.SIGKILL  # no word: the parent died
        self.connection.close()
        self.connection = None
        return self.exit_code

    async def wait(self) -> int | None:
        """Until the kernel has ended; its exit code."""
        if self.process is not None:
            return await super().wait()
        while (code := await self.poll()) is None:
            assert self.connection is not None
            select.select([self.connection], [], [], 0.1)
        return code

    async def send_signal(self, signum: int) -> None:
        """To the kernel and to all processes that it started."""
        if self.process is not None:
            await super().send_signal(signum)
            return
        if self.connection is None or self.pgid is None:
            return
        try:
            os.killpg(self.pgid, signum)
        except ProcessLookupError:
            return

    async def kill(self, restart: bool = False) -> None:
        if self.process is not None:
            await super().kill(restart)
            return
        await self.send_signal(signal.SIGKILL)

    async def terminate(self, restart: bool = False) -> None:
        if self.process is not None:
            await super().terminate(restart)
            return
        await self.send_signal(signal.SIGTERM)


class Kernels(KernelSpecManager):
    """Knows one kernel: that of ``python``, forked from a warm parent where ``warm`` is set."""

    def __init__(self, python: str, warm: bool, **options: Any) -> None:
        super().__init__(**options)
        self.python = python
        self.warm = warm

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        facts = ipykernel.kernelspec.get_kernel_dict()
        module = facts["argv"].index("ipykernel_launcher")
        options, arguments = facts["argv"][1 : module - 1], facts["argv"][module + 1 :]
        facts["argv"] = [self.python, *options, STARTED_BY, *arguments]
        if self.warm:
            factory = KernelProvisionerFactory.instance()
            factory.provisioners[PROVISIONER] = EntryPoint(
                PROVISIONER, f"{__name__}:{WarmProvisioner.__name__}", factory.GROUP_NAME
            )
            facts["metadata"] |= {"kernel_provisioner": {"provisioner_name": PROVISIONER}}
        return KernelSpec(resource_dir=ipykernel.kernelspec.RESOURCES, **facts)


def can_be_warm() -> bool:
    """Whether kernels can be forked here, and nobody said ``CNN50_WARM=0``."""
    return sys.platform == "linux" and os.environ.get("CNN50_WARM", "1") != "0"


LONGEST_SOCKET = 100  # characters: Linux takes 107 for the name of a socket, macOS 103


def transport() -> dict[str, str]:
    """How a kernel and its manager talk: through socket files whose names nobody else has.

    A TCP port is free when the manager chooses it and may be taken when the kernel opens it: of two
    kernels that start at the same time one then dies. Windows has no such files; a very long name
    of the temporary folder leaves no room for them.
    """
    name = str(Path(tempfile.gettempdir()) / f"kernel-{secrets.token_hex(8)}")
    if sys.platform == "win32" or len(f"{name}-5") > LONGEST_SOCKET:
        return {"transport": "tcp"}
    return {"transport": "ipc", "ip": name}


def manager_options(root: Path, python: str = sys.executable, warm: bool = True) -> dict[str, Any]:
    """How a kernel manager starts kernels of ``python`` for the pages under ``root``.

    Warm ones where they are wanted and possible, and for this project's own pages: what the parent
    imports is what they import.
    """
    own = root.resolve() == ROOT
    return {
        "kernel_name": KERNEL_NAME,
        "kernel_spec_manager": Kernels(python, warm=warm and own and can_be_warm()),
        **transport(),
    }
