"""Which populations run together, and in which order: strongly connected components, sources first."""

from __future__ import annotations

from collections.abc import Iterable


def components(populations: Iterable[str], edges: Iterable[tuple[str, str]]) -> tuple[tuple[str, ...], ...]:
    """The populations that reach one another, together; each component after all that project to it."""
    names = list(populations)
    targets: dict[str, set[str]] = {name: set() for name in names}
    for pre, post in edges:
        if pre in targets:
            targets[pre].add(post)
    reached = {name: _reached(name, targets) for name in names}
    together = {
        name: tuple(other for other in names if other == name or _mutual(name, other, reached))
        for name in names
    }
    waiting = list(dict.fromkeys(together.values()))
    done: list[tuple[str, ...]] = []
    while waiting:
        ready = [part for part in waiting if not any(_projects(other, part, reached) for other in waiting)]
        done += ready
        waiting = [part for part in waiting if part not in ready]
    return tuple(done)


def _reached(start: str, targets: dict[str, set[str]]) -> set[str]:
    found: set[str] = set()
    ahead = list(targets[start])
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += targets[name]
    return found


def _mutual(one: str, other: str, reached: dict[str, set[str]]) -> bool:
    return other in reached[one] and one in reached[other]


def _projects(part: tuple[str, ...], to: tuple[str, ...], reached: dict[str, set[str]]) -> bool:
    return part != to and to[0] in reached[part[0]]
