"""For all tests: properties are judged by what they find, not by how long an example took."""

from hypothesis import settings

settings.register_profile("voxline", deadline=None)
settings.load_profile("voxline")
