"""A forked child does not keep the cores of its dead parent alive."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from waiting import DEADLINE, wait_for

PROGRAM = """
import os, signal, sys, warnings
from zanni import ActorSystem

if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)
    system = ActorSystem("parent", cores=2).start()
    pid = os.fork()
    if pid == 0:
        signal.alarm(60)
        signal.pause()
    print(pid, *[record["pid"] for record in system.cores()][1:], flush=True)
    signal.pause()
"""


def is_running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_cores_of_a_killed_parent_end_though_a_forked_child_lives_on(tmp_path):
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    parent = subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)
    forked = core = None
    try:
        forked, core = map(int, parent.stdout.readline().split())
        parent.kill()
        parent.wait(DEADLINE)
        wait_for(lambda: not is_running(core))
        assert is_running(forked)
    finally:
        parent.kill()
        parent.stdout.close()
        for pid in (forked, core):
            if pid is not None and is_running(pid):
                os.kill(pid, signal.SIGKILL)
