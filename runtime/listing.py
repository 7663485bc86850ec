"""The C that a model or a loss becomes, rendered in memory: what its document shows and links to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from saltus.templates.ir import AnyLoss, Label, ModelIR

if TYPE_CHECKING:
    from saltus.derive.report_code import Source


def sources(name: str) -> tuple[Source, ...]:
    """The files of the event engine for a shipped name or a spec of one's own.

    Raises:
        SpecError, DerivationError, EmitError: as for ``saltus emit``.
    """
    from saltus.derive import any_loss, lower, report, spec
    from saltus.derive.report_code import Source
    from saltus.templates.network import network_unit
    from saltus.templates.render import event_unit, loss_unit, why_not_fast

    ir: ModelIR | AnyLoss
    if report.is_loss(name):
        ir = any_loss.lower_loss(any_loss.load(name))
        unit = loss_unit(ir)
    else:
        ir = lower.lower(spec.load(name))
        unit = event_unit(ir) if why_not_fast(ir) is None else network_unit((ir,))
    labels = frozenset(map(str, _labels(ir)))
    return tuple(Source(file, text, labels) for file, text in unit.sources.items())


def _labels(node: Any) -> Iterator[Label]:
    """The labels of all assignments."""
    if isinstance(node, Label):
        yield node
    elif isinstance(node, tuple):
        for member in node:
            yield from _labels(member)
    elif isinstance(node, msgspec.Struct):
        for field in node.__struct_fields__:
            yield from _labels(getattr(node, field))
