"""The symbols that the source writes, so that its equations can be typed as they are printed."""

from __future__ import annotations

from sympy import Symbol

from saltus.derive import notation
from saltus.derive.notation import Quantity
from saltus.derive.scene import LOSS_AFTER, LOSS_BEFORE, LOSS_NEXT, SPIKE_LOSS, XI, kronecker, loss_slope

TAU_MEM = Symbol("tau_mem", positive=True)
TAU_SYN = Symbol("tau_syn", positive=True)
THETA = Symbol("theta", real=True)
V_RESET = Symbol("v_reset", real=True)
"""The paper resets to zero; Table 2 and (55) hold for that."""

LP = SPIKE_LOSS
L_MINUS, L_PLUS, L_NEXT = LOSS_BEFORE, LOSS_AFTER, LOSS_NEXT
XI_K = XI
DL_DV, DL_DI = loss_slope("V"), loss_slope("I")
W = "w_ji"
GRADIENT = notation.quantity(f"dL/d{W}", r"\frac{d\mathcal{L}}{dw_{ji}}")
DT = notation.quantity(f"dtₖ/d{W}", r"\frac{dt_k}{dw_{ji}}")
DT_NEXT = notation.quantity(f"dtₖ₊₁/d{W}", r"\frac{dt_{k+1}}{dw_{ji}}")


def V(neuron: str = "", side: str = "") -> Quantity:
    """(V^-)_n."""
    return notation.state("V", neuron, side)


def I(neuron: str = "", side: str = "") -> Quantity:  # noqa: E743 - the source's letter
    """(I^-)_n."""
    return notation.state("I", neuron, side)


def V_dot(neuron: str = "", side: str = "") -> Quantity:
    """Its time derivative."""
    return notation.velocity("V", neuron, side)


def I_dot(neuron: str = "", side: str = "") -> Quantity:
    """Its time derivative."""
    return notation.velocity("I", neuron, side)


def dV(neuron: str = "", side: str = "") -> Quantity:
    """Its derivative with respect to w_ji."""
    return notation.partial("V", W, neuron, side)


def dI(neuron: str = "", side: str = "") -> Quantity:
    """Its derivative with respect to w_ji."""
    return notation.partial("I", W, neuron, side)


def lam_V(neuron: str = "", side: str = "") -> Quantity:
    """(lambda_V^-)_n."""
    return notation.adjoint("V", neuron, side)


def lam_I(neuron: str = "", side: str = "") -> Quantity:
    """(lambda_I^-)_n."""
    return notation.adjoint("I", neuron, side)


def w(post: str, pre: str = "n") -> Quantity:
    """w_mn, from n to m."""
    return notation.weight(post, pre)


def delta(first: str, second: str) -> Quantity:
    """The Kronecker symbol."""
    return kronecker(first, second)
