"""For all tests."""

from hypothesis import settings

settings.register_profile("zanni", deadline=None)  # how long an example takes is no assertion
settings.load_profile("zanni")
