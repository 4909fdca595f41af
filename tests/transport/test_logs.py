"""Child cores log as core 0 does where its log is a plain one; what is set up there comes first."""

import subprocess
import sys

import pytest

PROGRAM = """
import logging
from zanni import Actor, ActorSystem

{at_top}

class Says(Actor):
    def on_receive(self, message):
        logging.getLogger("says").info("%s on %s", message, self.actor_ref.core)

if __name__ == "__main__":
    {guarded}
    with ActorSystem("says", cores=2) as system:
        for core in (0, 1):
            system.spawn(Says, core=core).ask("a word")
"""
FORMAT = 'format="%(levelname)s! %(message)s"'
BASIC = f"logging.basicConfig(level=logging.INFO, {FORMAT})"


@pytest.fixture
def logged(tmp_path):
    """What a program writes to standard output and to standard error, as lines."""

    def logged(at_top="", guarded="pass"):
        script = tmp_path / "says.py"
        script.write_text(PROGRAM.format(at_top=at_top, guarded=guarded))
        done = subprocess.run(
            [sys.executable, str(script)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        return done.stdout.splitlines(), done.stderr.splitlines()

    return logged


def test_level_and_format_are_core_0s(logged):
    assert logged(guarded=BASIC) == ([], ["INFO! a word on 0", "INFO! a word on 1"])


def test_so_is_the_stream(logged):
    to_output = f"import sys; logging.basicConfig(level=20, stream=sys.stdout, {FORMAT})"
    assert logged(guarded=to_output) == (["INFO! a word on 0", "INFO! a word on 1"], [])


def test_what_the_module_sets_up_itself_is_what_counts(logged):
    handler = "handler = logging.StreamHandler()"
    root = "logging.root.addHandler(handler); logging.root.setLevel(20)"
    out, err = logged(at_top=f"{handler}\n{root}", guarded=BASIC)
    assert (out, err) == ([], ["a word on 0", "a word on 1"])


def test_a_log_in_a_file_is_for_the_module_to_set_up(logged, tmp_path):
    to_file = f'logging.basicConfig(level=20, filename="says.log", {FORMAT})'
    assert logged(guarded=to_file) == ([], [])
    assert (tmp_path / "says.log").read_text().splitlines() == ["INFO! a word on 0"]
    assert logged(at_top=to_file) == ([], [])
    expected = ["INFO! a word on 0"] * 2 + ["INFO! a word on 1"]
    assert (tmp_path / "says.log").read_text().splitlines() == expected


def test_without_a_log_child_cores_have_none_either(logged):
    assert logged() == ([], [])


FILTERED = """logging.basicConfig(level=20, format="%(user)s %(message)s")
    logging.root.handlers[0].addFilter(lambda record: setattr(record, "user", "ann") or True)"""
OWN = """logging.basicConfig(level=20)
    logging.root.handlers[0].setFormatter(type("Own", (), {"format": lambda *_: "ann"})())"""


@pytest.mark.parametrize("set_up", [FILTERED, OWN], ids=["a filter's field", "a formatter"])
def test_a_format_that_does_not_work_alone_is_left_to_core_0(logged, set_up):
    out, (first, second) = logged(guarded=set_up)
    assert out == []
    assert first.startswith("ann")
    assert second.endswith("a word on 1")
