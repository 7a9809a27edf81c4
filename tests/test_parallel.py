"""Work on several pages at a time ends when the tool that began it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from waiting import WAIT, wait_for

from tools.parallel import in_parallel

TOOL = """\
import os, time
from pathlib import Path
from tools.parallel import in_parallel

def note_and_wait(path):
    Path(path).write_text(str(os.getpid()))
    time.sleep(600)

if __name__ == "__main__":
    list(in_parallel(note_and_wait, [{path!r}], 1))
"""


def test_results_come_with_their_items():
    assert dict(in_parallel(abs, [-1, 2, -3], 2)) == {-1: 1, 2: 2, -3: 3}
    assert list(in_parallel(abs, [], 2)) == []


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_a_killed_tool(tmp_path: Path, how: signal.Signals):
    note, script = tmp_path / "worker", tmp_path / "tool.py"
    script.write_text(TOOL.format(path=str(note)))
    path = os.pathsep.join(p for p in sys.path if p)
    tool = subprocess.Popen([sys.executable, script], env=os.environ | {"PYTHONPATH": path})
    worker = int(wait_for(lambda: note.exists() and note.read_text()))
    tool.send_signal(how)
    tool.wait(timeout=WAIT)
    wait_for(lambda: not alive(worker))


def alive(process: int) -> bool:
    """Whether a process runs. One that has ended and was not yet collected does not."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    status = Path("/proc", str(process), "stat")
    return not status.exists() or status.read_text().rsplit(")")[-1].split()[0] != "Z"
