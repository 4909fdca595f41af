"""A key directory: what is written, who may read it, and what is refused."""

import os
import stat

import pytest

from zanni.transport.key import KeyPair
from zanni.transport.keyring import (
    BadKeys,
    Entry,
    Role,
    allow,
    read_allowed,
    read_pair,
    revoke,
    stamp,
    write_pair,
)

PAIR = KeyPair("p" * 40, "s" * 40)
BANK = Entry("bank", Role.NODE, "a" * 40)
CARL = Entry("carl", Role.CLIENT, "b" * 40)


@pytest.fixture
def directory(tmp_path):
    made = tmp_path / "keys"
    write_pair(made, PAIR)
    return made


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request):
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("umask")
def test_nobody_else_can_read_what_is_written(tmp_path):
    made = tmp_path / "some" / "keys"
    write_pair(made, PAIR)
    allow(made, BANK)
    assert mode(made) == mode(made / "allowed") == 0o700
    files = [path for path in made.rglob("*") if path.is_file()]
    assert {path.name for path in files} == {"secret.key", "public.key", "bank.key"}
    assert {mode(path) for path in files} == {0o600}


def test_a_directory_that_is_there_keeps_its_mode(tmp_path):
    made = tmp_path / "keys"
    made.mkdir()
    made.chmod(0o755)
    write_pair(made, PAIR)
    assert mode(made) == 0o755
    assert read_pair(made) == PAIR


@pytest.mark.parametrize("lax", [0o770, 0o1777])
def test_no_keys_are_put_where_others_could_change_them(tmp_path, lax):
    made = tmp_path / "keys"
    made.mkdir()
    made.chmod(lax)
    with pytest.raises(BadKeys, match=r"changed by others .*: chmod go-w \S+, or choose another"):
        write_pair(made, PAIR)
    assert (mode(made), list(made.iterdir())) == (lax, [])


@pytest.mark.parametrize("place", ["keys", "keys/allowed"])
@pytest.mark.parametrize("kind", ["file", "link to nothing"])
def test_what_is_no_directory_takes_no_keys(tmp_path, kind, place):
    wrong = tmp_path / place
    wrong.parent.mkdir(exist_ok=True)
    if kind == "file":
        wrong.touch()
    else:
        wrong.symlink_to(tmp_path / "nowhere")
    with pytest.raises(BadKeys, match=f"{place} is no directory: choose another place"):
        write_pair(tmp_path / "keys", PAIR)
    assert not (tmp_path / "keys" / "secret.key").exists()


def test_what_was_written_is_read(directory):
    allow(directory, BANK)
    allow(directory, CARL)
    assert read_pair(directory) == PAIR
    assert read_allowed(directory).entries == (BANK, CARL)
    assert (directory / "public.key").read_text() == PAIR.public + "\n"
    assert PAIR.secret not in (directory / "public.key").read_text()


def test_keys_are_never_overwritten(directory):
    with pytest.raises(BadKeys, match="has keys already"):
        write_pair(directory, KeyPair("x" * 40, "y" * 40))
    assert read_pair(directory) == PAIR


def test_a_link_in_the_place_of_the_secret_key_is_not_written_through(tmp_path):
    made, elsewhere = tmp_path / "keys", tmp_path / "elsewhere"
    made.mkdir()
    (made / "secret.key").symlink_to(elsewhere)
    with pytest.raises(BadKeys):
        write_pair(made, PAIR)
    assert not elsewhere.exists()


def test_a_key_that_is_allowed_again_takes_the_place_of_the_earlier_one(directory):
    assert allow(directory, BANK) is None
    assert allow(directory, BANK._replace(key="c" * 40)) == BANK
    assert [entry.key for entry in read_allowed(directory).entries] == ["c" * 40]


def test_a_revoked_key_is_off_the_list(directory):
    allow(directory, BANK)
    allow(directory, CARL)
    revoke(directory, "bank")
    assert read_allowed(directory).entries == (CARL,)
    with pytest.raises(BadKeys, match=r"'bank'; allowed are: carl"):
        revoke(directory, "bank")


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (BANK._replace(key="short"), "40 characters"),
        (BANK._replace(key=PAIR.public), "itself"),
        (BANK._replace(key=PAIR.secret), "itself"),
        (BANK._replace(key=CARL.key), "'carl'"),
        (BANK._replace(name="../bank"), "neither @ nor /"),
        (BANK._replace(name=""), "1 to 64"),
        (BANK._replace(name="a\nb"), "printable characters, not 'a\\\\nb'$"),
        (BANK._replace(name="\udcc3"), "no text in this locale: set LC_ALL=C.UTF-8"),
        (BANK._replace(name=".bank"), "begins with a dot"),
    ],
)
def test_what_cannot_be_allowed_is_refused_with_the_reason(directory, entry, text):
    allow(directory, CARL)
    with pytest.raises(ValueError, match=text):
        allow(directory, entry)
    assert read_allowed(directory).entries == (CARL,)


@pytest.mark.parametrize("lax", [0o640, 0o604, 0o620, 0o644])
def test_a_secret_key_that_others_could_read_is_refused(directory, lax):
    (directory / "secret.key").chmod(lax)
    with pytest.raises(BadKeys, match=rf"can be read by others \(mode 0{lax:o}\): chmod"):
        read_pair(directory)


def test_a_directory_that_others_could_change_is_refused(directory):
    directory.chmod(0o770)
    with pytest.raises(BadKeys, match="changed by others"):
        read_pair(directory)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_keys_of_another_user_are_refused(directory):
    os.chown(directory / "secret.key", 12345, -1)
    with pytest.raises(BadKeys, match="another user"):
        read_pair(directory)


@pytest.mark.parametrize("content", ["", "x", "p" * 40, f"{'p' * 40} {'s' * 39}", "\0" * 5000])
def test_a_file_that_holds_no_keys_is_refused(directory, content):
    (directory / "secret.key").write_text(content)
    with pytest.raises(BadKeys, match="holds no pair"):
        read_pair(directory)


def test_a_directory_without_keys_says_how_to_make_them(tmp_path):
    for place in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(BadKeys, match=f"zanni keys new {place}"):
            read_pair(place)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("", "role and a key"),
        ("node", "role and a key"),
        (f"boss {'a' * 40}", "'boss' is none"),
        (f"node {'a' * 39}", "role and a key"),
        (f"node {'a' * 40} more", "role and a key"),
        (f"node {CARL.key}", "has the key of"),
    ],
)
def test_what_cannot_be_read_of_the_list_lets_nobody_in(directory, content, text):
    allow(directory, BANK)
    allow(directory, CARL)
    other = directory / "allowed" / "dora.key"
    other.write_text(content)
    other.chmod(0o600)
    found = read_allowed(directory)
    assert found.entries == (BANK, CARL)
    assert len(found.problems) == 1
    assert text in found.problems[0]


def test_a_key_that_others_could_have_allowed_is_not(directory):
    allow(directory, BANK)
    allow(directory, CARL)
    (directory / "allowed" / "bank.key").chmod(0o666)
    found = read_allowed(directory)
    assert found.entries == (CARL,)
    assert "changed by others" in found.problems[0]
    (directory / "allowed").chmod(0o777)
    assert read_allowed(directory).entries == ()


def test_a_pipe_in_the_list_holds_nothing_up(directory):
    os.mkfifo(directory / "allowed" / "pipe.key", 0o600)
    found = read_allowed(directory)
    assert found.entries == ()
    assert "no file" in found.problems[0]


def test_a_link_to_nothing_in_the_list_is_told_with_the_remedy(directory):
    allow(directory, BANK)
    (directory / "allowed" / "carl.key").symlink_to(directory / "nowhere")
    found = read_allowed(directory)
    assert found.entries == (BANK,)
    assert found.problems == (f"{directory}/allowed/carl.key is a link to nothing: remove it",)


def test_a_key_that_is_revoked_while_the_list_is_read_is_no_problem(directory, monkeypatch):
    allow(directory, BANK)
    real = os.open

    def revoke_first(path, *rest):
        if str(path).endswith("bank.key"):
            revoke(directory, "bank")
        return real(path, *rest)

    monkeypatch.setattr(os, "open", revoke_first)
    assert read_allowed(directory) == ((), ())


def test_every_change_changes_the_stamp(directory):
    seen = {stamp(directory)}
    allow(directory, BANK)
    seen.add(stamp(directory))
    allow(directory, BANK._replace(role=Role.ADMIN))
    seen.add(stamp(directory))
    (directory / "allowed" / "bank.key").chmod(0o666)
    seen.add(stamp(directory))
    revoke(directory, "bank")
    seen.add(stamp(directory))
    assert stamp(directory) in seen
    assert len(seen) == 5
    (directory / "allowed").rmdir()
    assert stamp(directory) not in seen
