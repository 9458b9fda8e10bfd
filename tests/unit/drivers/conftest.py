"""Property tests here are never timed: the machine is shared, and a slow hour is no fault."""

from hypothesis import settings

settings.register_profile("shared machine", deadline=None, max_examples=150)
settings.load_profile("shared machine")
