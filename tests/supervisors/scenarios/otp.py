"""OTP's own supervisors, to play scenarios on: one `erl` for all of them.

Scenarios leave out what Zanni adds (refs and queues that survive a restart, back-off, placement),
and kills of supervisors: the order in which OTP's children of one that was killed end is open.
"""

import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

from scenarios.language import Outcome, Spec

SOURCE = Path(__file__).with_name("otp_player.erl")
SHUTDOWNS = {"kill": "brutal_kill", "infinity": "infinity"}


def missing() -> str | None:
    """Say what has to be installed for this; None: nothing."""
    commands = [command for command in ("erl", "erlc") if shutil.which(command) is None]
    remedy = "install Erlang/OTP 24 or later (Debian's erlang-base) to compare with it"
    return f"no {' and no '.join(commands)} here: {remedy}" if commands else None


class Otp:
    """Plays scenarios while it is entered."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self):
        subprocess.run(["erlc", "-o", self.folder, SOURCE], check=True)
        self.erl = subprocess.Popen(
            ["erl", "-noshell", "-pa", self.folder, "-s", "otp_player", "main"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(self, *exc_info):
        self.erl.stdin.close()  # it ends by that, or within the time that a scenario may take
        self.erl.wait(30)
        self.erl.stdout.close()

    def play(self, tree, script):
        """Return the outcomes, that of each step."""
        self.erl.stdin.write(f"{{{term(tree)}, [{', '.join(map(term, script))}]}}.\n")
        self.erl.stdin.flush()
        outcomes, entries, trees = [], [], []
        for line in self.erl.stdout:
            match line[:-1].partition(" "):
                case "end", _, _:
                    return outcomes
                case ".", _, _:
                    outcomes.append(Outcome(tuple(entries), tuple(trees)))
                    entries, trees = [], []
                case "e", _, entry:
                    entries.append(entry)
                case "t", _, listed:
                    trees.append(listed)
        raise AssertionError("erl has ended, and said why")


def term(value):
    """What Erlang reads for a spec, a step, or a part of one. Texts are atoms."""
    match value:
        case Spec():
            settings = {name: term(setting) for name, setting in settings_of(value)}
            return f"#{{{', '.join(f'{name} => {each}' for name, each in settings.items())}}}"
        case bool():
            return str(value).lower()
        case str():
            return f"'{value}'"
        case (str(), *_):
            return f"{{{', '.join(map(term, value))}}}"
        case tuple():
            return f"[{', '.join(map(term, value))}]"
    return repr(value)


def settings_of(spec):
    """The fields of a spec as OTP has them: a shutdown in milliseconds, a period in seconds."""
    yield "kind", spec.kind
    for field in fields(spec):
        value = getattr(spec, field.name)
        if field.name == "period":
            value = int(value)
        if field.name == "shutdown":
            if value is None:
                continue
            value = SHUTDOWNS[value] if value in SHUTDOWNS else round(1000 * value)
        yield field.name, value


def as_otp(outcome: Outcome) -> Outcome:
    """An outcome of Zanni's without the reports that OTP does not make.

    These are of an end that is no failure, and of a start that somebody asked for: who asked has
    the error.
    """
    entries = [each for each in outcome.entries if not each.startswith("ended ")]
    for answer in outcome.entries:
        if answer.startswith("-> failed "):
            entries.remove(answer.replace("-> failed", "start_error"))
    return Outcome(tuple(entries), outcome.trees)
