"""The order in which populations run: sources before targets. A group is a strongly connected component."""

from __future__ import annotations

from collections.abc import Iterable

from saltus.errors import ConfigError


def order(populations: Iterable[str], edges: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """The populations such that each comes after all that project to it; self-projections do not count.

    Raises:
        ConfigError: if several populations excite each other in a circle, naming it.
    """
    names = list(populations)
    incoming = {
        name: {pre for pre, post in edges if post == name and pre != name} & set(names) for name in names
    }
    done: list[str] = []
    while len(done) < len(names):
        ready = [name for name in names if name not in done and incoming[name] <= set(done)]
        if not ready:
            circle = " -> ".join(_circle(incoming, next(name for name in names if name not in done), done))
            raise ConfigError(
                f"projections {circle} form a circle of several populations, which the event engine cannot "
                "run yet. Make them one population with a recurrent projection, "
                "and a mask for who sends to whom."
            )
        done += ready
    return tuple(done)


def _circle(incoming: dict[str, set[str]], start: str, done: list[str]) -> list[str]:
    """Walks against the arrows from ``start`` until a population comes again."""
    path = [start]
    while True:
        before = min(incoming[path[-1]] - set(done))
        if before in path:
            return [before, *reversed(path[path.index(before) :])]
        path.append(before)
