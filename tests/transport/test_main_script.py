"""Classes of the program's main script, as other cores find them, or say why they do not."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import zanni

ECHO = """
from zanni import Actor, ActorSystem, DecodeError, SpawnError, message

class Echo(Actor):
    def on_receive(self, message):
        return message, __name__
"""

GUARDED = f"""{ECHO}
if __name__ == "__main__":
    @message
    class Late:
        number: int

    class Guarded(Actor):
        pass

    with ActorSystem("guarded", cores=2) as system:
        echo = system.spawn(Echo, core=1)
        echo.tell(Late(1))
        for attempt in (lambda: echo.ask(Late(2)), lambda: system.spawn(Guarded, core=1)):
            try:
                attempt()
            except (DecodeError, SpawnError) as error:
                print(error)
"""

MAIN = f"""{ECHO}
@message
class Early:
    number: int

if __name__ == "__main__":
    with ActorSystem("main", cores=2) as system:
        try:
            print(*system.spawn(Echo, core=1).ask(Early(1)))
        except SpawnError as error:
            print(error)
"""

UNGUARDED = f"""{ECHO}
import sys

def main():
    try:
        with ActorSystem("unguarded", cores=2) as system:
            system.spawn(Echo, core=1)
    except Exception as error:
        print(error)
        return 0

sys.exit(main())
"""

PARTING = """
import sys

from zanni import message

if hasattr(sys.modules["__main__"], "Sender"):  # on core 0
    sys.exit("not here")

@message
class Late:
    number: int
"""

SENDING = f"""{ECHO}
class Sender(Actor):
    def on_receive(self, number):
        import parting

        return parting.Late(number)

if __name__ == "__main__":
    with ActorSystem("sending", cores=2) as system:
        sender = system.spawn(Sender, core=1)
        try:
            sender.ask(1)
        except DecodeError as error:
            print(error)
        print(system.spawn(Echo, core=1).ask(2))
"""


@pytest.fixture
def run(tmp_path):
    """Write files, run Python in their folder, and return what it has printed, and on stderr."""

    def run(files, *arguments):
        for name, text in files.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
            env={**os.environ, "PYTHONPATH": str(Path(zanni.__file__).parents[1])},
        )
        assert done.returncode == 0, done.stderr
        return done.stdout, done.stderr

    return run


def test_a_class_under_the_guard_is_refused_with_the_remedy_and_a_tell_is_told_of(run):
    printed, logged = run({"guarded.py": GUARDED}, "guarded.py")
    late, guarded = printed.splitlines()
    for text, name in ((late, "Late"), (guarded, "Guarded"), (logged, "Late")):
        assert f"guarded has no class '{name}' when it is imported" in text
        assert "at the top of the script or module, above any  if __name__ == '__main__':" in text
    assert "dead letter" in logged


def test_a_script_without_its_guard_that_exits_as_another_core_imports_it_is_refused(run):
    here, there = run({"unguarded.py": UNGUARDED}, "unguarded.py")[0].splitlines()
    assert "put what starts it under  if __name__ == '__main__':" in here
    assert "importing unguarded raised SystemExit(0)" in there


def test_an_answer_whose_module_exits_when_it_is_imported_is_a_decode_error(run):
    files = {"sending.py": SENDING, "parting.py": PARTING}
    told, after = run(files, "sending.py")[0].splitlines()
    assert "importing parting raised SystemExit('not here')" in told
    assert after == "(2, 'sending')"


@pytest.mark.parametrize("arguments", [["app"], ["app/__main__.py"], ["-m", "app"]])
def test_classes_of_a_folders_script_are_found_however_it_is_run(run, arguments):
    printed, _ = run({"app/__main__.py": MAIN}, *arguments)
    assert printed == "Early(number=1) app.__main__\n"


def test_classes_of_a_zip_archives_script_are_refused_with_the_remedy(run, tmp_path):
    with zipfile.ZipFile(tmp_path / "app.pyz", "w") as archive:
        archive.writestr("__main__.py", MAIN)
    printed, _ = run({}, "app.pyz")
    assert "put the class at the top of a module" in printed
    assert "a zip archive work on core 0" in printed
