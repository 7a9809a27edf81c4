"""nbval, made strict: a pytest plugin that runs every notebook and compares all that it prints.

Built on nbval's collector classes. What differs from plain nbval: outputs are compared by the rule
in ``tools/verify/compare.py``; a cell that was never run, is tagged away from verification, writes
to stderr or shows a figure without text fails (``tools/verify/outputs.py``); a kernel that dies and
a cell that hangs fail with a message of their own; kernels run in an empty folder, in the
environment of ``make notebooks``.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from queue import Empty
from typing import Any

import pytest
from jupyter_client.manager import KernelManager
from nbval.kernel import RunningKernel
from nbval.plugin import IPyNbCell, IPyNbFile, NbCellError, coalesce_streams

from tools.pages.files import read_notebook
from tools.pages.runs import LARGEST_BUDGET
from tools.verify.compare import output_difference, read_masks
from tools.verify.kernel import died, environment, tail
from tools.verify.outputs import problems
from tools.verify.patience import ANSWER, Watch
from tools.verify.warm_kernel import manager_options

SANITIZE = Path(__file__).with_name("sanitize.cfg")

PROCESSOR = "processor_s"
"""Under this name a cell's report says what the cell has used; the first one's with the start."""


class Lost(Exception):
    """The kernel is gone or hangs, so that no later cell can run."""


class Kernel(RunningKernel):
    """nbval's kernel, in a folder of its own, watched while a cell runs."""

    def __init__(self, root: Path, budget: float) -> None:
        self.folder = tempfile.mkdtemp(prefix="page-")
        self.stderr = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed in stop)
        self.km = KernelManager(**manager_options(root))
        self.km.start_kernel(cwd=self.folder, env=environment(root), stderr=self.stderr)
        self.kc = self.km.client()
        self.kc.start_channels()
        self.kc.wait_for_ready(timeout=ANSWER)
        self._ensure_iopub_up()
        assert self.km.provisioner is not None
        self.watch = Watch(self.km.provisioner.pid, budget)

    watch: Watch | None = None

    def _ensure_iopub_up(self) -> None:
        """nbval's, without its ten seconds: ask until the answer to a request is broadcast."""
        ends = time.monotonic() + ANSWER
        while time.monotonic() < ends:
            asked = self.kc.kernel_info()
            self.await_reply(asked, timeout=ANSWER)
            with contextlib.suppress(Empty):
                self.await_idle(asked, timeout=1)
                return
        raise RuntimeError(f"the kernel broadcast nothing within {ANSWER} s")

    def await_reply(self, msg_id: str, timeout: float | None = None) -> None:
        """Wait for a cell to end; raise ``Lost`` where its kernel dies or hangs."""
        if self.watch is None:  # nbval asks for the kernel's greeting in this way, too
            super().await_reply(msg_id, timeout)
            return
        self.watch.begin()
        while True:
            try:
                super().await_reply(msg_id, timeout=1)
                return
            except Empty:
                if not self.is_alive():
                    raise Lost(self._how_it_died()) from None
                if complaint := self.watch.complaint():
                    raise Lost(complaint) from None

    def _how_it_died(self) -> str:
        self.stderr.seek(0)
        return died(self.stderr.read())

    def stop(self) -> None:
        super().stop()
        self.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class StrictNotebook(IPyNbFile):
    """A notebook: one item for what is stored, then one for each code cell."""

    kernel: Kernel | None = None

    @classmethod
    def from_parent(cls, parent: pytest.Collector, **options: Any) -> StrictNotebook:
        return super().from_parent(parent, **options)

    @property
    def page(self) -> str:
        """Short name of the page, for messages: ``q24``."""
        return self.path.stem.split("-")[0]

    def setup(self) -> None:
        """Nothing yet: the first cell starts the kernel, so that a bad one is that cell's."""
        self.broken = ""
        self.ran = 0

    def running_kernel(self) -> Kernel:
        if self.kernel is None:
            facts = self.nb.metadata.get("cnn50") or {}
            budget = float(facts.get("budget_s", LARGEST_BUDGET))
            self.kernel = Kernel(self.path.parent.parent, budget)
        return self.kernel

    def collect(self) -> Iterator[pytest.Item]:
        self.nb = read_notebook(self.path)
        yield StoredOutputs.from_parent(self, name="stored outputs")
        code = (cell for cell in self.nb.cells if cell.cell_type == "code")
        for index, cell in enumerate(code):
            options = {"check": True, "check_exception": False, "skip": False}
            yield StrictCell.from_parent(
                self, name=f"Cell {index + 1}", cell_num=index, cell=cell, options=options
            )

    def teardown(self) -> None:
        if self.kernel is not None:
            self.kernel.stop()
            self.kernel = None


class StoredOutputs(pytest.Item):
    """Looks at the notebook as it is stored, without running it."""

    parent: StrictNotebook

    def runtest(self) -> None:
        found = problems(self.parent.nb, self.parent.path.stem)
        if found:
            raise NbCellError(0, "\n".join(found), "")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        if not isinstance(excinfo.value, NbCellError):
            return str(super().repr_failure(excinfo))
        page = self.parent.path.stem
        return (
            f"The stored outputs of notebooks/{page}.ipynb are no evidence:\n{excinfo.value}\n"
            f"Edit book/questions/{page}.md where the message says so, then run "
            f"`make notebooks PAGES={self.parent.page} FORCE=1`."
        )

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.path.name}: {self.name}"


class StrictCell(IPyNbCell):
    """A code cell, run in the notebook's kernel, its outputs held to the stored ones."""

    parent: StrictNotebook

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.output_timeout = ANSWER  # for the outputs of a cell that has ended, on a busy machine

    def setup(self) -> None:
        if self.parent.broken:
            pytest.xfail(self.parent.broken)

    def runtest(self) -> None:
        if self.cell_num != self.parent.ran:
            self.raise_cell_error(
                "The cells before this one were not run here. Run whole notebooks: without -k, "
                "and in parallel with `--dist loadscope`"
            )
        self.parent.ran += 1
        watch = self.parent.running_kernel().watch
        assert watch is not None
        before = watch.used() if self.parent.ran > 1 else 0.0
        try:
            super().runtest()
        except NbCellError as error:
            if error.inner_traceback and "ClaimFailed" not in error.inner_traceback:
                self.parent.broken = f"not run: {self.name} of this notebook failed"
            raise
        except Lost as error:
            self.parent.broken = f"not run: {self.name} of this notebook took the kernel with it"
            self.raise_cell_error(str(error))
        finally:
            self.user_properties.append((PROCESSOR, watch.used() - before))

    def compare_outputs(self, test: Any, ref: Any, skip_compare: Any = None) -> bool:
        """nbval's hook: whether the fresh outputs agree with the stored ones."""
        why = output_difference(coalesce_streams(ref), coalesce_streams(test), read_masks(SANITIZE))
        self.comparison_traceback = [why]
        return not why

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> str:
        error = excinfo.value
        page, slug = self.parent.page, self.parent.path.stem
        if not isinstance(error, NbCellError):
            return str(pytest.Item.repr_failure(self, excinfo))
        detail = tail(error.inner_traceback) if error.inner_traceback else ""
        if str(error) == "Cell outputs differ":
            what = f"prints something else than what is stored: {detail}"
            advice = (
                f"If that is what you meant, run `make notebooks PAGES={page} FORCE=1` and look "
                "at the diff. If you changed nothing, the output depends on the machine: print "
                "a Measured with its interval, or fewer digits."
            )
        elif "ClaimFailed" in detail:
            what = f"makes a claim that does not hold here:\n{detail}"
            advice = "Mend the page or its claim; a threshold needs a margin that holds anywhere."
        else:
            what = f"fails: {error}\n{detail}"
            advice = f"Mend book/questions/{slug}.md, then run `make notebooks PAGES={page}`."
        where = f"{self.name} of notebooks/{slug}.ipynb"
        source = "\n".join("    " + line for line in error.source.splitlines())
        return f"{where}\n{source}\n{what}\n{advice}"

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, f"{self.path.name}: {self.name}"


def chosen(config: pytest.Config) -> set[str]:
    """The pages that ``--pages`` names, as q07; empty where all are meant."""
    text = config.getoption("--pages", default="") or ""
    numbers = re.findall(r"q?(\d+)(?:-\S*)?", text)
    return {f"q{int(number):02d}" for number in numbers}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--pages", default="", help='only these pages, such as "q16 q24"')


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "notebook: runs a notebook and compares its outputs")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> StrictNotebook | None:
    """Take in ``notebooks/qNN-slug.ipynb``, unless other pages were asked for."""
    name = re.fullmatch(r"(q\d\d)-.+", file_path.stem)
    if file_path.suffix != ".ipynb" or file_path.parent.name != "notebooks" or not name:
        return None
    wanted = chosen(parent.config)
    if wanted and name.group(1) not in wanted:
        return None
    notebook = StrictNotebook.from_parent(parent, path=file_path)
    notebook.add_marker("notebook")
    return notebook
