"""Every side of every benchmark does a little of its work, and the checks agree. No timing."""

import functools
import importlib
import itertools
import json
import logging
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
A_LITTLE = 0.001
ALIKE = ("M9c", "M9d", "M9f", "M9h", "M9k", "M9l")
PEERS = ("asyncio", "erlang", "go", "pykka", "raw pyzmq", "socket pickle", "threads", "xoscar")


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measurements find this Zanni, also where it is not installed."""
    paths = [str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
    monkeypatch.setattr(imported("runner"), "PATIENCE", 90.0)  # before pytest loses its own
    monkeypatch.setattr(imported("m13_idle"), "WATCH", 0.1)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path for path in paths if path))


def imported(name: str) -> Any:
    return importlib.import_module(f"benchmarks.{name}")


def sides() -> list[Any]:
    """All of them; what does as another one does, but for a size or a rate, is left to soak.

    So are the peers, but for one benchmark in one process and one between nodes.
    """
    return [
        pytest.param(each.name, side.name, marks=pytest.mark.soak if left_out(each, side) else ())
        for each in imported("catalogue").all_benchmarks()
        for side in each.sides
    ]


def left_out(benchmark: Any, side: Any) -> bool:
    return benchmark.name in ALIKE or (side.name in PEERS and benchmark.name not in ("M1b", "M9m"))


@pytest.mark.parametrize(("name", "side_name"), sides())
def test_it_does_its_work(name: str, side_name: str) -> None:
    runner = imported("runner")
    benchmark = imported("catalogue").find(name)
    side = next(each for each in benchmark.sides if each.name == side_name)
    if (lacks := side.lacks()) is not None:
        pytest.skip(lacks)
    if side_name in ("erlang", "go"):
        imported(f"peers.{side_name}").command("hello", 1)  # built while nobody's patience runs
    n = max(int(side.n * A_LITTLE), 1)
    if side.ours:  # a process of its own takes longer to start than to do so little
        figures = side.run(n)
    else:
        made = runner.measure(benchmark, side, 1, n)
        assert made.error is None
        figures = made.figures
    # So few idle actors may cost no page of memory, and what is shared counts less meanwhile.
    assert figures["value"] >= 0 or name.startswith("M6")


def test_a_run_prints_json_on_stdout_and_the_table_on_stderr() -> None:
    done = command("--only", "M2", "--runs", "1", "--scale", "0.001", "--json")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    always = [line for line in lines if line["side"] in ("zanni", "pykka")]
    assert [(line["side"], line["run"], line["n"]) for line in always] == [
        (side, run, n) for run in (0, 1) for side, n in (("zanni", 500), ("pykka", 100))
    ]
    assert all(line["lacks"] or line["figures"]["value"] > 0 for line in lines)
    assert "Zanni is" in done.stderr
    assert "8 x Pykka" in done.stderr


def test_an_unknown_benchmark_is_refused_with_the_known_ones() -> None:
    done = command("--only", "M99")
    assert done.returncode == 2
    assert "no benchmark is called 'M99'; there are M1a, M1b" in " ".join(done.stderr.split())


def command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_wrong_answer_is_an_error_and_no_figure() -> None:
    workload, runner = imported("workload"), imported("runner")
    with pytest.raises(workload.CheckFailed, match="the count: 9, and it should be 10"):
        workload.check("the count", 9, 10)
    benchmark = workload.Benchmark("M0", "", "", [])
    failed = runner.Measurement("M2", "zanni", "tells/s", 1, 10, None, "exit status 1: the count")
    outcome = runner.Outcome(benchmark, [failed])
    assert outcome.errors == ["M2, zanni, run 1: exit status 1: the count"]
    assert outcome.medians == {}


def test_a_measurement_that_fails_is_told_with_its_last_words() -> None:
    runner = imported("runner")
    with pytest.raises(runner.MeasurementFailed, match="exit status 1: StopIteration"):
        runner.in_fresh_process("M2", "nobody", "10")


def test_advantage_and_targets() -> None:
    workload = imported("workload")
    of = {"zanni": 300.0, "pykka": 100.0}
    side = workload.Side("zanni", dict, 1)
    rates = workload.Benchmark("M2", "", "tells/s", [side])
    costs = workload.Benchmark("M6", "", "bytes", [side], more_is_better=False)
    assert rates.advantage(of, "pykka") == 3
    assert costs.advantage(of, "pykka") == pytest.approx(1 / 3)
    assert workload.Benchmark("M4b", "", "hops/s", [side]).number == "M4"
    assert workload.Benchmark("M9k", "", "asks/s", [side]).number == "M9"


def test_the_table_has_the_figure_that_a_benchmark_wants_shown_too() -> None:
    table, runner, workload = imported("table"), imported("runner"), imported("workload")
    side = workload.Side("zanni", dict, 1)
    also = workload.Also("MB/s", lambda figures: figures["bytes"] / 1e6)
    benchmark = workload.Benchmark("M0", "", "tells/s", [side], also=also)
    runs = [
        runner.Measurement("M0", "zanni", "tells/s", run, 1, {"value": 1.0, "bytes": size * 1e6})
        for run, size in enumerate([9, 2, 3, 5])  # the first one is thrown away
    ]
    assert table.row_of(runner.Outcome(benchmark, runs), side)[-1] == "3.00 MB/s"
    lacking = [runner.Measurement("M0", "zanni", "tells/s", 1, 1, {"value": 1.0})]
    assert table.row_of(runner.Outcome(benchmark, lacking), side)[-1] == ""


def test_those_that_take_long_are_left_out_unless_asked_for() -> None:
    choose = imported("catalogue").choose
    assert "M7a" in {each.name for each in choose([])}
    assert "M7b" not in {each.name for each in choose([])}
    assert "M7b" in {each.name for each in choose([], long=True)}
    assert [each.name for each in choose(["M7"])] == ["M7a"]
    assert [each.name for each in choose(["M7"], long=True)] == ["M7a", "M7b"]
    assert [each.name for each in choose(["M7b"])] == ["M7b"]


def test_a_peer_that_is_not_there_is_skipped_with_a_word() -> None:
    peers, runner, workload = imported("peers"), imported("runner"), imported("workload")
    nowhere = peers.Peer("asyncio_queues", program="no-such-program")
    lacking = workload.Side("nobody", dict, 1, lacks=nowhere.lacks)
    told: list[Any] = []
    benchmark = workload.Benchmark("M0", "", "tells/s", [lacking])
    outcome = runner.run_benchmark(benchmark, runs=2, discarded=1, scale=1, tell=told.append)
    assert [str(each) for each in told] == ["M0, nobody: skipped, no no-such-program on the PATH"]
    assert outcome.lacking == {"nobody": "no no-such-program on the PATH"}
    assert outcome.errors == []
    assert peers.Peer("xoscar_actors", package="no_such_package").lacks() is not None
    assert peers.PEERS["threads"].lacks() is None


@pytest.mark.parametrize("wrong", [9, [10], None])
def test_a_peer_that_answers_wrongly_has_no_figure(wrong: object) -> None:
    peers, workload = imported("peers"), imported("workload")

    class Wrong:
        def run(self, work: str, n: int) -> dict[str, Any]:
            return {"answer": wrong, "seconds": 1.0}

    with pytest.raises(workload.CheckFailed, match="and it should be 10"):
        peers.done_by(Wrong(), "tell", (), lambda n: n, lambda n, found: 1.0, 10)


def echo_wrongly(self: Any, message: Any) -> Any:
    return 7


def count_some_twice(self: Any, message: Any) -> Any:
    if message == "count":
        return self.count
    self.count += 2 if self.count == 5 else 1
    return None


def send_backwards(self: Any, share: int) -> None:
    for number in reversed(range(share)):
        self.gatherer.tell((self.number, number))


def keep_the_token(self: Any, message: Any) -> None:
    self.ended_at.set(self.index)


def forget(self: Any, message: Any) -> Any:
    return (self.number, 0) if message == "who" else None


def add_one_more(self: Any, number: int) -> None:
    self.total.set(number + 1)


def count_pings_twice(self: Any, message: Any) -> None:
    self.received += 1
    do_as_before(self, message)


do_as_before = imported("m08_big").Player.on_receive


@pytest.mark.parametrize(
    ("module", "work", "culprit", "behaviour"),
    [
        ("m01_ask", "ask_from_an_actor", "Echo", echo_wrongly),
        ("m02_tell", "tell", "Counter", count_some_twice),
        ("m03_fan_in", "fan_in", "Sender", send_backwards),
        ("m06_memory", "hold", "Holder", forget),
        ("m07_skynet", "skynet", "Top", add_one_more),
        ("m08_big", "big", "Player", count_pings_twice),
    ],
)
def test_actors_that_do_the_work_wrongly_are_found_out(
    module: str, work: str, culprit: str, behaviour: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark, workload = imported(module), imported("workload")
    monkeypatch.setattr(getattr(benchmark, culprit), "on_receive", behaviour)
    with imported("frameworks").Zanni() as framework, pytest.raises(workload.CheckFailed):
        getattr(benchmark, work)(framework, 80)


def test_a_token_that_ends_elsewhere_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    ring, workload = imported("m04_ring"), imported("workload")
    monkeypatch.setattr(ring.Node, "on_receive", keep_the_token)
    with imported("frameworks").Zanni() as framework, pytest.raises(workload.CheckFailed):
        ring.ring(10, framework, 42)


@pytest.mark.parametrize("work", ["tell", "ask"])
def test_messages_that_are_cut_short_are_found_out(
    work: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes, workload = imported("m09_processes"), imported("workload")
    monkeypatch.setattr(processes, "payloads", cut_short)
    with pytest.raises(workload.CheckFailed, match=r"\[20, 300, 126\].*\[20, 320, 126\]"):
        getattr(processes, work)(processes.two_cores, 16, 20)


def cut_short(size: int) -> list[bytes]:
    return [bytes([first]) * (size - 1) for first in range(16)]


@pytest.mark.parametrize("peer", ["raw_pyzmq", "socket_pickle"])
@pytest.mark.parametrize(
    ("work", "arguments"), [("tell_process", (16, 10)), ("ask_process", (16,))]
)
def test_messages_that_are_cut_short_between_bare_sockets_are_found_out(
    peer: str, work: str, arguments: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    peers, workload = imported("peers"), imported("workload")
    monkeypatch.setattr(imported("peers.raw_links"), "payloads", cut_short)
    expected = functools.partial(imported("m09_processes").expected, 16)
    with pytest.raises(workload.CheckFailed, match=r"\[20, 300, 126\].*\[20, 320, 126\]"):
        peers.done_by(peers.PEERS[peer], work, arguments, expected, lambda n, found: 1.0, 20)


def test_a_flow_of_which_some_is_lost_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    load, workload = imported("m09_load"), imported("workload")
    due = load.Schedule.due
    monkeypatch.setattr(load.Schedule, "due", lambda schedule: due(schedule)[1:])
    with pytest.raises(workload.CheckFailed, match="what flowed"):
        load.ask_in_flow(2)


def test_what_is_due_of_a_flow_is_due_once_and_never_too_much_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load = imported("m09_load")
    clock = iter([100.0, 100 + 1 / 128, 100 + 1 / 128, 107.0, 107.0])
    monkeypatch.setattr(load, "perf_counter", lambda: next(clock))
    flow = load.Schedule(800)  # began at 100.0
    due = [flow.due() for _ in range(4)]
    assert due == [range(6), range(6, 6), range(6, 14), range(14, 22)]


def test_an_answer_that_comes_twice_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    pace, workload = imported("m09_pace"), imported("workload")
    take = pace.Answers.take
    monkeypatch.setattr(pace.Answers, "take", lambda self, number: take(self, min(number, 3)))
    with pytest.raises(workload.CheckFailed, match=r"the answer: \[5, 9\].*\[5, 10\]"):
        pace.open_loop(10_000, 5)


def test_what_holds_up_a_sender_is_part_of_what_its_messages_waited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pace = imported("m09_pace")
    clock = iter([0.0, 5.001, 5.001, 5.001, 5.002])
    monkeypatch.setattr(pace, "perf_counter", lambda: next(clock))
    answers = pace.Answers(3, rate=1_000)
    for number in range(3):  # all sent after five seconds, and answered at once
        answers.take(number)
    found = answers.found()
    assert found["answer"] == pace.expected(3)
    assert found["max_us"] == pytest.approx(5_001_000)
    assert found["p50_us"] == pytest.approx(5_000_000)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells what a socket has sent")
def test_what_is_sent_by_tcp_is_counted() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as out,
        listener.accept()[0] as into,
    ):
        before = imported("machine").tcp_bytes_sent()
        out.sendall(bytes(1_234))
        assert len(into.recv(1_234, socket.MSG_WAITALL)) == 1_234
        assert imported("machine").tcp_bytes_sent() - before == 1_234


def test_state_that_outlives_a_crash_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    restart, workload = imported("m11_restart"), imported("workload")
    starts = itertools.count()

    def remember(self: Any, tester: Any) -> None:
        self.tester, self.hits = tester, next(starts)

    monkeypatch.setattr(restart.Kept, "__init__", remember)
    with imported("frameworks").Zanni() as framework, pytest.raises(workload.CheckFailed):
        restart.restart(2, framework, 8)
    assert logging.getLogger("zanni").isEnabledFor(logging.ERROR)  # crashes are told again


def test_what_arithmetic_says() -> None:
    assert imported("m03_fan_in").expected(8_000) == [8_000, 28_000, 0]
    assert imported("m04_ring").expected(503, 1_000_000) == 36
    assert imported("m07_skynet").expected(100_000) == 4_999_950_000
    assert imported("m07_skynet").actors_of(1_000_000) == 1_111_111
    assert imported("m08_big").expected(1_000) == 5_039_320
    payloads = imported("m09_processes").payloads(1024)
    sent = [payloads[i % len(payloads)] for i in range(100)]
    arithmetic = [100, sum(len(each) for each in sent), sum(each[0] for each in sent)]
    assert imported("m09_processes").expected(1024, 100) == arithmetic
    assert imported("m11_restart").expected(100, 10_000) == [10_100, 0]
    cpu = imported("m10_cpu")
    assert cpu.expected(1_000_000) == 15_999_840
    assert cpu.expected(1_000) == sum(cpu.job(start, 1_000) for start in cpu.JOBS)


def test_figures_are_shown_with_three_digits() -> None:
    shown = imported("table").shown
    found = [shown(value) for value in (0.2136, 7.5, 98.76, 999.6, 22_949, 1_150_000)]
    assert found == ["0.214", "7.50", "98.8", "1.00 k", "22.9 k", "1.15 M"]
