"""The same scenarios on OTP's own supervisors, where Erlang is installed. `make otp` runs these."""

import pytest
from hypothesis import assume, given, settings
from scenarios.generator import REPEATABLE, scenarios
from scenarios.language import difference
from scenarios.model import Model
from scenarios.otp import Otp, as_otp, missing
from scenarios.scenario import all_scenarios

pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


@pytest.fixture(scope="module")
def otp(tmp_path_factory):
    with Otp(tmp_path_factory.mktemp("otp")) as otp:
        yield otp


def test_otp_does_as_the_rules_say(otp):
    for scenario in all_scenarios().values():
        tree, script = scenario.tree, scenario.script
        played, expected = otp.play(tree, script), [as_otp(o) for o in Model(tree).play(script)]
        assert played == expected, difference(tree, script, rules=expected, otp=played)


def check(stage, otp, scenario):
    tree, script = scenario
    model = Model(tree)
    model.play(script)
    assume(not model.is_open)
    played, expected = [as_otp(o) for o in stage.play(tree, script)], otp.play(tree, script)
    assert played == expected, difference(tree, script, otp=expected, zanni=played)


@settings(REPEATABLE, max_examples=100)
@given(scenario=scenarios())
def test_supervisors_do_what_otp_does(stage, otp, scenario):
    check(stage, otp, scenario)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@settings(REPEATABLE, max_examples=5000)
@given(scenario=scenarios())
def test_supervisors_do_what_otp_does_for_long(stage, otp, scenario):
    check(stage, otp, scenario)
