"""`zanni keys`, as a user types it."""

import json
import stat
import sys
import time

import pytest
from click import ClickException
from click.testing import CliRunner

from zanni.cli.main import main


def zanni(*arguments, given=None):
    return CliRunner().invoke(main, ["keys", *map(str, arguments)], input=given)


def shown(result):
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def bank(tmp_path):
    return tmp_path / "bank"


@pytest.fixture
def teller(tmp_path):
    """The public key of another node."""
    return shown(zanni("new", tmp_path / "teller", "--json"))["public"]


def test_new_keys_are_shown_but_for_the_secret(bank):
    result = zanni("new", bank)
    public, secret = (bank / "secret.key").read_text().split()
    assert public in result.output
    assert secret not in result.output + zanni("show", bank, "--json").output
    assert "none yet: zanni keys allow" in result.output
    assert stat.S_IMODE((bank / "secret.key").stat().st_mode) == 0o600


@pytest.mark.parametrize("content", [None, "x" * 40 + "\n", ""])
def test_a_public_key_that_is_not_that_of_the_secret_one_is_not_vouched_for(bank, content):
    public = shown(zanni("new", bank, "--json"))["public"]
    if content is None:
        (bank / "public.key").unlink()
    else:
        (bank / "public.key").write_text(content)
    what = "is not there" if content is None else "holds another key"
    problem = f"{bank}/public.key {what}: write  {public}  into it"
    found = shown(zanni("show", bank, "--json"))
    assert (found["public"], found["public_file"]) == (public, None)
    assert found["problems"] == [problem]
    result = zanni("show", bank)
    assert f"not to be handed over: {problem}" in result.stderr
    assert "public.key" not in result.stdout
    (bank / "public.key").write_text(public + "\n")
    assert shown(zanni("show", bank, "--json"))["problems"] == []


def test_two_pairs_differ(bank, teller):
    assert shown(zanni("new", bank, "--json"))["public"] != teller


def test_a_key_is_allowed_and_revoked(bank, teller):
    zanni("new", bank)
    allowed = shown(zanni("allow", bank, "teller", teller, "--role", "client", "--json"))["allowed"]
    assert allowed == [{"name": "teller", "role": "client", "key": teller}]
    assert shown(zanni("show", bank, "--json"))["allowed"] == allowed
    assert "client      " + teller + "  teller" in zanni("show", bank).output
    assert shown(zanni("revoke", bank, "teller", "--json"))["allowed"] == []


def test_a_key_may_be_given_in_a_file_or_on_stdin(bank, teller, tmp_path):
    zanni("new", bank)
    by_file = shown(zanni("allow", bank, "a", tmp_path / "teller" / "public.key", "--json"))
    assert by_file["allowed"] == [{"name": "a", "role": "node", "key": teller}]
    zanni("revoke", bank, "a")
    assert shown(zanni("allow", bank, "b", "-", "--json", given=teller + "\n"))["allowed"]


def test_a_closed_stdin_holds_no_key(bank, monkeypatch):
    zanni("new", bank)
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(ClickException, match="holds no public key"):
        main(["keys", "allow", str(bank), "teller", "-"], standalone_mode=False)


def test_a_secret_key_is_not_taken_for_a_public_one(bank, teller, tmp_path):
    zanni("new", bank)
    result = zanni("allow", bank, "teller", tmp_path / "teller" / "secret.key")
    assert result.exit_code == 1
    assert "give its public.key" in result.stderr


def test_a_key_that_is_replaced_is_told_of(bank, teller, tmp_path):
    zanni("new", bank)
    zanni("allow", bank, "teller", teller)
    other = shown(zanni("new", tmp_path / "other", "--json"))["public"]
    assert "'teller' had before is revoked" in zanni("allow", bank, "teller", other).stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["show", "nowhere"], "zanni keys new"),
        (["revoke", "nowhere", "teller"], "allows no key of 'teller'"),
        (["allow", "nowhere", "teller", "no key"], "40 characters"),
    ],
)
def test_an_error_names_the_remedy(arguments, text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = zanni(*arguments)
    assert result.exit_code == 1
    assert text in result.stderr
    assert "Traceback" not in result.output


def test_keys_are_not_made_twice(bank):
    zanni("new", bank)
    result = zanni("new", bank)
    assert result.exit_code == 1
    assert "has keys already" in result.stderr


@pytest.mark.parametrize("verb", ["new", "show"])
def test_an_empty_directory_is_bad_usage_and_not_the_working_directory(verb, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = zanni(verb, "")
    assert result.exit_code == 2
    assert "name a directory" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_role_is_bad_usage(bank, teller):
    zanni("new", bank)
    assert zanni("allow", bank, "teller", teller, "--role", "boss").exit_code == 2


ROOTS = """
from zanni import Actor

class Idle(Actor):
    def on_start(self):
        print("ready", self.system.nodes()[0]["urls"][0], flush=True)

class Joined(Actor):
    def on_start(self):
        self.after(0.01, "look")
    def on_receive(self, message):
        if any(node["name"] == "bank" and node["state"] == "up" for node in self.system.nodes()):
            print("joined", flush=True)
            self.stop()
        self.after(0.01, "look")
"""


@pytest.fixture
def running_bank(start, module, tmp_path):
    module("roots", ROOTS)
    for name in ("bank", "teller"):
        zanni("new", tmp_path / name)
    zanni("allow", tmp_path / "teller", "bank", tmp_path / "bank" / "public.key")
    command = start(
        "run", "roots:Idle", "--name", "bank", "--listen", "tcp://127.0.0.1:0", "--keys", "bank"
    )
    return command.expect(r"ready (.*)")[1]


def teller_joins(start, url, keys="teller"):
    return start("run", "roots:Joined", "--name", "teller", "--join", url, "--keys", keys)


def test_a_node_that_is_allowed_while_the_other_runs_joins_it(running_bank, start, tmp_path):
    zanni("allow", tmp_path / "bank", "teller", tmp_path / "teller" / "public.key")
    assert teller_joins(start, running_bank).wait() == 0


def told(command, text, seconds=5.0):
    """What is wrong with keys is told within five seconds, once the command is up."""
    end = time.monotonic() + seconds + 20.0  # and it has to start
    while text not in command.err:
        assert time.monotonic() < end, command.err
        time.sleep(0.01)


def test_a_key_that_is_not_allowed_and_a_wrong_one_are_told_apart(running_bank, start, tmp_path):
    for name in ("mistaken", "other"):
        zanni("new", tmp_path / name)
    zanni("allow", tmp_path / "mistaken", "bank", tmp_path / "other" / "public.key")
    unknown = teller_joins(start, running_bank)
    mistaken = teller_joins(start, running_bank, "mistaken")
    told(unknown, "the node there does not take this node's key")
    told(mistaken, "has not the key that is allowed here for it")


@pytest.mark.parametrize("url", ["tcp://0.0.0.0:0", "tcp://[::]:0", "tcp://192.0.2.1:0"])
def test_a_public_address_without_keys_is_bad_usage(start, module, url):
    module("roots", ROOTS)
    command = start("run", "roots:Idle", "--listen", url)
    assert command.wait() == 2
    assert "zanni keys new DIR" in " ".join(command.err.split())


def test_an_empty_path_of_keys_is_bad_usage(start, module, tmp_path):
    module("roots", ROOTS)
    zanni("new", tmp_path)  # there are keys in the working directory
    url = "tcp://127.0.0.1:0"
    run = start("run", "roots:Idle", "--listen", url, "--keys", "")
    tree = start("tree", url, "--keys", "")
    for command in (run, tree):
        assert command.wait() == 2
        assert "keys= takes the path of a key directory" in " ".join(command.err.split())


def test_a_public_address_for_nobody_is_bad_usage(start, module, tmp_path):
    module("roots", ROOTS)
    zanni("new", tmp_path / "bank")
    command = start("run", "roots:Idle", "--listen", "tcp://192.0.2.1:0", "--keys", "bank")
    assert command.wait() == 2
    assert "zanni keys allow" in " ".join(command.err.split())


def test_keys_that_others_can_read_are_bad_usage(start, module, tmp_path):
    module("roots", ROOTS)
    zanni("new", tmp_path / "bank")
    (tmp_path / "bank" / "secret.key").chmod(0o644)
    command = start("run", "roots:Idle", "--listen", "tcp://127.0.0.1:0", "--keys", "bank")
    assert command.wait() == 2
    assert "chmod go-rwx" in " ".join(command.err.split())


@pytest.mark.parametrize(("role", "code"), [("admin", 0), ("node", 0), ("client", 1)])
def test_who_may_look_is_said_by_the_role(running_bank, start, tmp_path, role, code):
    zanni("allow", tmp_path / "bank", "teller", tmp_path / "teller" / "public.key", "--role", role)
    named = running_bank.replace("tcp://", "tcp://bank@")
    command = start("tree", named, "--keys", "teller")
    assert command.wait() == code, command.err
    assert ("Idle" in command.out) is (code == 0)


def test_why_nothing_can_be_seen_is_told(running_bank, start):
    reasons = [
        (("tree", running_bank, "--keys", "teller"), 1, "does not take this node's key"),
        (("tree", running_bank), 1, "wants keys"),
        (("tree", "bank", "--keys", "teller"), 2, "a system at a URL"),
        (("tree", "tcp://carl@127.0.0.1:7400", "--keys", "teller"), 2, "no key of 'carl'"),
    ]
    commands = [start(*arguments) for arguments, _, _ in reasons]
    for command, (_, code, reason) in zip(commands, reasons, strict=True):
        assert command.wait() == code, command.err
        assert reason in " ".join(command.err.split())
