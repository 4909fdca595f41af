"""`zanni` itself."""

from typing import Any

import zanni


def test_the_version_is_that_of_the_package(start: Any) -> None:
    command = start("--version")
    assert command.wait() == 0
    assert command.out == f"zanni {zanni.__version__}\n"


def test_help_shows_examples(start: Any) -> None:
    command = start("--help")
    assert command.wait() == 0
    assert "zanni run examples.census:Census --cores 2\n" in command.out


def test_the_help_of_run_shows_examples_and_exit_codes(start: Any) -> None:
    command = start("run", "--help")
    assert command.wait() == 0
    assert "zanni run bank:Teller --join tcp://127.0.0.1:7400 -- amount=20\n" in command.out
    assert "130  Ctrl-C" in command.out


def test_an_unknown_command_is_bad_usage(start: Any) -> None:
    command = start("runn", "x:Y")
    assert command.wait() == 2
    assert "runn" in command.err
