"""For all tests: properties are judged by what they find, not by how long an example took."""

from hypothesis import settings

settings.register_profile("voxline", deadline=None, max_examples=60)
settings.load_profile("voxline")
