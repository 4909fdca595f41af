"""How many CPUs may be used, by the mask and by the cgroups of a made-up machine; and pinning."""

import os
import threading
import time
from pathlib import Path

import pytest

from zanni.actors.cpus import allowed_cpus, is_ready_to_run, pin_to, quota, usable_cpus

V2 = "0::/app.slice/app.scope\n"
V1 = "12:cpuset:/docker/ab\n4:cpu,cpuacct:/docker/ab\n1:name=systemd:/docker/ab\n"


@pytest.fixture
def machine(tmp_path):
    """Write the files of `proc` and `sys` by their paths; what stands in for `/`."""

    def machine(files):
        for path, text in files.items():
            file = tmp_path / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return tmp_path

    return machine


def test_this_machine():
    assert 1 <= usable_cpus() <= len(allowed_cpus()) <= (os.cpu_count() or 1)


def test_without_cgroups_there_is_no_quota(machine):
    assert quota(machine({})) is None
    assert usable_cpus(machine({})) == len(allowed_cpus())


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"sys/fs/cgroup/app.slice/app.scope/cpu.max": "150000 100000\n"}, 1.5),
        ({"sys/fs/cgroup/app.slice/app.scope/cpu.max": "max 100000\n"}, None),
        (
            {
                "sys/fs/cgroup/app.slice/app.scope/cpu.max": "max 100000\n",
                "sys/fs/cgroup/app.slice/cpu.max": "50000 100000\n",
                "sys/fs/cgroup/cpu.max": "400000 100000\n",
            },
            0.5,
        ),
        ({"sys/fs/cgroup/cpu.max": "300000 100000\n"}, 3.0),
        ({"sys/fs/cgroup/unified/app.slice/cpu.max": "20000 10000\n"}, 2.0),
        ({"sys/fs/cgroup/cpu.max": "nonsense\n"}, None),
        ({"sys/fs/cgroup/cpu.max": "100000 0\n"}, None),
        ({"sys/fs/cgroup/cpu.max": ""}, None),
    ],
    ids=["own", "none", "above", "only the mount", "hybrid", "nonsense", "zero", "empty"],
)
def test_the_quota_of_version_2(machine, files, expected):
    assert quota(machine({"proc/self/cgroup": V2, **files})) == expected


@pytest.mark.parametrize(
    ("directory", "granted", "expected"),
    [
        ("cpu,cpuacct/docker/ab", "250000", 2.5),
        ("cpu,cpuacct", "250000", 2.5),
        ("cpu", "100000", 1.0),
        ("cpu,cpuacct/docker/ab", "-1", None),
    ],
)
def test_the_quota_of_version_1(machine, directory, granted, expected):
    files = {
        "proc/self/cgroup": V1,
        f"sys/fs/cgroup/{directory}/cpu.cfs_quota_us": f"{granted}\n",
        f"sys/fs/cgroup/{directory}/cpu.cfs_period_us": "100000\n",
    }
    assert quota(machine(files)) == expected


@pytest.mark.parametrize(("granted", "expected"), [("10000", 1), ("100000", 1), ("max", None)])
def test_a_part_of_a_cpu_counts_as_one(machine, granted, expected):
    root = machine({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": f"{granted} 100000\n"})
    assert usable_cpus(root) == expected or (expected is None and usable_cpus(root) >= 1)


def test_a_quota_is_rounded_up_and_bounded_by_the_mask(machine):
    root = machine({"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/cpu.max": "120000 100000\n"})
    assert usable_cpus(root) == min(2, len(allowed_cpus()))


def test_a_path_that_climbs_out_of_its_namespace_is_read_at_the_mount(machine):
    root = machine(
        {"proc/self/cgroup": "0::/../../x\n", "sys/fs/cgroup/cpu.max": "700000 100000\n"}
    )
    assert quota(root) == 7.0


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this platform")
def test_pinning_is_of_the_calling_thread_alone():
    before, pinned = os.sched_getaffinity(0), []

    def pin():
        pin_to([max(before)])
        pinned.append(os.sched_getaffinity(0))

    thread = threading.Thread(target=pin)
    thread.start()
    thread.join(10)
    assert pinned == [{max(before)}]
    assert os.sched_getaffinity(0) == before


@pytest.mark.parametrize(
    ("stat", "expected"),
    [
        ("17 (zanni-core-0-1) R 1 17", True),
        ("17 (zanni-core-0-1) S 1 17", False),
        ("17 (it sleeps) R) S 1 17", False),
        ("", False),
    ],
)
def test_a_thread_is_ready_to_run_by_the_state_that_follows_its_name(machine, stat, expected):
    root = machine({"proc/self/task/17/stat": stat})
    assert is_ready_to_run(17, root) is expected


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="no /proc/self/task here")
def test_a_thread_that_runs_is_ready_and_one_that_waits_is_not():
    assert is_ready_to_run(threading.get_native_id())
    end = threading.Event()
    waiting = threading.Thread(target=end.wait)
    waiting.start()
    try:
        deadline = time.monotonic() + 10
        while is_ready_to_run(waiting.native_id):
            assert time.monotonic() < deadline
    finally:
        end.set()
        waiting.join()
