"""Random trees and scripts, on Zanni's supervisors and on a model that knows nothing of actors.

Each run has the same ones. One that fails is shown in its simplest form, with both outcomes.
"""

import pytest
from hypothesis import assume, given, settings
from scenarios.generator import REPEATABLE, scenarios
from scenarios.language import difference
from scenarios.model import Model


def check(stage, scenario):
    tree, script = scenario
    model = Model(tree)
    expected = model.play(script)
    assume(not model.is_open)
    played = stage.play(tree, script)
    assert played == expected, difference(tree, script, model=expected, zanni=played)


@pytest.mark.timeout(180)
@settings(REPEATABLE, max_examples=2000)
@given(scenario=scenarios())
def test_supervisors_do_what_the_model_does(stage, scenario):
    check(stage, scenario)


@pytest.mark.soak
@pytest.mark.timeout(1200)
@settings(REPEATABLE, max_examples=20_000)
@given(scenario=scenarios())
def test_supervisors_do_what_the_model_does_for_long(stage, scenario):
    check(stage, scenario)
