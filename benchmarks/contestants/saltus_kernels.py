"""Saltus on the Yin-Yang task: the compiled functions of a step alone, without the Python around them."""

from __future__ import annotations

from collections.abc import Callable

from contestant import Outcome, serve
from points import Points
from yin_yang import WEIGHTS, Step, network


def build(task: Points, batch: int, threads: int) -> Callable[[], Outcome]:
    """They run on one thread; what they come to was seen in a whole step."""
    step = Step(network(task), task, batch)
    result, found = step()
    outcome = Outcome(float(result.loss), len(result.spikes["hidden"].times), found[WEIGHTS[0]])
    replay = step.kernels()

    def again() -> Outcome:
        replay()
        return outcome

    return again


if __name__ == "__main__":
    serve(Points.load, build, "saltus")
