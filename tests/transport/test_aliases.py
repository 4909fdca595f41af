"""The names of cores that were lost and came back."""

import pytest

from zanni.actors.address import Address, CoreAddress
from zanni.transport import aliases as aliases_module
from zanni.transport.aliases import Aliases

BANK, OTHER = CoreAddress("bank", 0, 7), CoreAddress("bank", 1, 8)


@pytest.fixture
def aliases():
    return Aliases()


def test_who_was_never_lost_has_the_name_that_it_gives_itself(aliases):
    ann = Address(*BANK, 5)
    assert (aliases.home(BANK), aliases.itself(BANK), aliases.separations(BANK)) == (BANK, BANK, 0)
    assert aliases.here(ann) is ann
    assert aliases.there(ann) is ann


def test_who_was_lost_has_another_name_and_all_that_it_had_are_told_as_its_own(aliases):
    names = [BANK]
    for separations in (1, 2, 5):
        aliases.renew(BANK, separations)
        names.append(aliases.home(BANK))
        assert aliases.separations(BANK) == separations
    assert len(set(names)) == 4
    assert all(name[:2] == BANK[:2] for name in names)
    assert {aliases.itself(name) for name in names} == {BANK}
    assert aliases.here(Address(*BANK, 5)) == Address(*names[-1], 5)
    assert {aliases.there(Address(*name, 5)) for name in names} == {Address(*BANK, 5)}


def test_who_was_not_lost_keeps_its_name_beside_those_that_were(aliases):
    aliases.renew(BANK, 1)
    for address in (Address(*OTHER, 5), Address("bank", 0, 0, 5)):
        assert aliases.here(address) == aliases.there(address) == address


def test_what_the_two_agree_on_changes_no_name(aliases):
    aliases.renew(BANK, 1)
    name = aliases.home(BANK)
    aliases.agree(BANK, 3)
    assert (aliases.home(BANK), aliases.separations(BANK)) == (name, 3)


def test_names_are_remembered_up_to_a_limit_the_latest_above_all(aliases, monkeypatch):
    monkeypatch.setattr(aliases_module, "LIMIT", 3)
    first = CoreAddress("old", 0, 1)
    aliases.renew(first, 1)
    lost = aliases.home(first)
    for separations in (1, 2, 3):
        aliases.renew(BANK, separations)
    assert aliases.itself(aliases.home(BANK)) == BANK
    assert (aliases.home(first), aliases.itself(lost), aliases.separations(first)) == (
        first,
        lost,
        0,
    )
    aliases.renew(BANK, 4)
    assert aliases.separations(BANK) == 4
