"""Saltus on the Yin-Yang task: the compiled functions of a step alone, without the Python around them; which
parameters come after the others, as in saltus_points.py."""

from __future__ import annotations

import sys
from collections.abc import Callable

from contestant import Outcome, serve
from networks import feed_forward
from points import Points
from saltus_points import VARIANTS
from yin_yang import WEIGHTS, Step


def build(task: Points, batch: int, threads: int) -> Callable[[], Outcome]:
    """They run on one thread; what they come to was seen in a whole step."""
    options, wrt = VARIANTS[sys.argv[4]]
    step = Step(feed_forward(task, 1, **options), task, batch, wrt)
    result, found = step()
    outcome = Outcome(float(result.loss), len(result.spikes["hidden"].times), found[WEIGHTS[0]])
    replay = step.kernels()

    def again() -> Outcome:
        replay()
        return outcome

    return again


if __name__ == "__main__":
    serve(Points.load, build, "saltus")
