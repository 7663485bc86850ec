"""Hypothesis profiles: ``HYPOTHESIS_PROFILE=ci`` draws the same examples every time, and more of them."""

import os

from hypothesis import HealthCheck, settings

_calm = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("quick", max_examples=15, **_calm)
settings.register_profile("ci", max_examples=60, derandomize=True, print_blob=True, **_calm)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))
