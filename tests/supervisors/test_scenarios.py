"""The rules of supervision, as `scenarios/rules/` has them: supervisors and the model do so."""

import pytest
from scenarios.model import Model
from scenarios.scenario import all_scenarios

SCENARIOS = all_scenarios()


@pytest.mark.parametrize("name", SCENARIOS)
def test_supervisors_do_as_the_rules_say(stage, name):
    scenario = SCENARIOS[name]
    assert scenario.differences(stage.play(scenario.tree, scenario.script)) == []


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_model_does_as_the_rules_say(name):
    scenario = SCENARIOS[name]
    assert scenario.differences(Model(scenario.tree).play(scenario.script)) == []
