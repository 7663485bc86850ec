"""From a model's equations to its adjoint, proved: specs, derivations, flows, and their lowering to the
IR.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from saltus.derive.derivation import Derivation
    from saltus.derive.spec import ModelSpec


def adjoint(spec: ModelSpec) -> Derivation:
    """The derivation of a model's adjoint; see ``derive.gradient.adjoint``. SymPy is imported here, not
    before.
    """
    from saltus.derive.gradient import adjoint as derive

    return derive(spec)
