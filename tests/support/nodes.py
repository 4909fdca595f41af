"""What tests ask of a running node."""


def has(system, kind):
    """The events of that kind that were published lately."""
    return [event for event in list(system.events.last) if isinstance(event, kind)]


def url_of(system):
    """Where its node listens."""
    return system.nodes()[0]["urls"][0]
