"""The settings: defaults, and what cannot be."""

import pytest

from zanni import ActorSystem, Config


def test_defaults():
    config = Config.of(None)
    assert config == Config()
    assert (config.heartbeat, config.down_after) == (1.0, 15.0)
    assert (config.drain_timeout, config.kill_timeout) == (10.0, 5.0)
    assert config.frame_cap == 16 * 1024 * 1024


def test_a_mapping_and_a_config():
    config = Config.of({"heartbeat": 2, "frame_cap": "1024"})
    assert (config.heartbeat, config.frame_cap, config.down_after) == (2.0, 1024, 15.0)
    assert isinstance(config.heartbeat, float)
    assert Config.of(config) is config
    assert ActorSystem("configured", config={"drain_timeout": 1}).config.drain_timeout == 1.0


def test_a_config_is_frozen():
    with pytest.raises(AttributeError):
        Config().heartbeat = 3


@pytest.mark.parametrize("value", [0, -1, float("nan"), "soon", None, []])
def test_values_that_cannot_be(value):
    with pytest.raises(ValueError, match="heartbeat"):
        Config.of({"heartbeat": value})


def test_an_unknown_setting_names_the_known():
    with pytest.raises(ValueError, match=r"heartbeet.*drain_timeout"):
        Config.of({"heartbeet": 1})


def test_a_frame_cap_over_what_every_core_takes_is_refused():
    with pytest.raises(ValueError, match=r"frame_cap.* at most 16777216"):
        Config.of({"frame_cap": 1 << 25})


@pytest.mark.parametrize(
    "settings", [{"heartbeat": -1.0}, {"threads": "many"}, {"frame_cap": 1 << 25}]
)
def test_a_config_is_checked_however_it_is_made(settings):
    with pytest.raises(ValueError, match=next(iter(settings))):
        Config(**settings)
    with pytest.raises(ValueError, match=next(iter(settings))):
        Config.of(settings)


@pytest.mark.parametrize(
    ("name", "most"),
    [("peer_messages", 2**32 - 1), ("peer_bytes", 2**62), ("gc_threshold", 2**31 - 1)],
)
def test_a_number_for_which_no_frame_has_room_is_refused(name, most):
    assert getattr(Config.of({name: most}), name) == most
    with pytest.raises(ValueError, match=f"{name}.* at most {most}"):
        Config(**{name: most + 1})


def test_a_count_is_a_whole_number():
    with pytest.raises(ValueError, match=r"peer_bytes.* a whole number, not 100000000\.0"):
        Config(peer_bytes=1e8)
    assert Config.of({"peer_bytes": 1e8}).peer_bytes == 100_000_000


def test_a_whole_number_is_not_infinite():
    with pytest.raises(ValueError, match="threads"):
        Config.of({"threads": float("inf")})
