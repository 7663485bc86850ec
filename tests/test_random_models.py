"""Random linear models in random networks: each is derived, printed, compiled, and right to nine digits."""

from __future__ import annotations

from decimal import localcontext

import linear_models
import numpy as np
import pytest
from exactness import Loss, assert_exact
from hybrid import Case, TooManySpikesError, Trajectory
from hybrid_cell import StillAboveError
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from taylor import CONTEXT

LOSSES = {
    "first spikes": Loss(spikes=1, end=False),
    "all spikes": Loss(end=False),
    "integral": Loss(spikes=0, scale={"q": 100.0, "V": 0.0, "U": 0.0, "I": 0.0, "J": 0.0, "A": 0.0}),
    "end": Loss(spikes=0, scale={"q": 0.0}),
}
FLAT = 0.02
"""Least slope of the guard at a spike, as a share of how fast all states move together."""
MISSED = 1e-4
"""Least gap between a maximum of the guard, or what an arrival leaves, and the threshold."""
APART = 1e-9
"""Seconds between any two spikes."""
AMPLIFIED = 1.0
"""Most seconds that a spike moves when all numbers change by their own size: rounding grows with it."""


@pytest.mark.slow
@settings(max_examples=8, phases=(Phase.explicit, Phase.reuse, Phase.generate))  # shrinking takes long
@given(linear_models.cases(), st.sampled_from(sorted(LOSSES)))
def test_the_gradient_is_the_oracles(case: Case, loss: str):
    assume(fair(case))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CFLAGS", "-O1")  # compiles in half the time
        assert_exact(case, LOSSES[loss])


def fair(case: Case) -> bool:
    """Whether nine digits may be asked for: some spikes, none nearly tangential, missed or at one time."""
    with localcontext(CONTEXT):
        try:
            trajectory = Trajectory(case)
        except (StillAboveError, TooManySpikesError):
            return False
        cells = [cell for group in trajectory.cells.values() for cell in group]
        spikes = [t for cell in cells for t in cell.spikes]
        times = np.sort([float(t.value) for t in spikes])
        sizes = np.array([abs(float(jet.value)) for jet in trajectory.jets.values()])
        moved = [float(np.abs(t.d.astype(float)) @ sizes) for t in spikes]
    return bool(
        all(cell.spikes for cell in trajectory.cells["a"])
        and len(spikes) <= 40
        and min(cell.least_slope for cell in cells) > FLAT
        and min(cell.near_miss for cell in cells) > MISSED
        and np.diff(times).min(initial=1.0) > APART
        and max(moved) < AMPLIFIED
    )
