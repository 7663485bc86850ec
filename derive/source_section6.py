"""Sections 6 and 12 of the source: losses over maxima and integrals, which come with their readouts."""

from __future__ import annotations

from saltus.derive.source import Row, not_yet

_SECTION_6 = {
    "32": "The loss of the maxima of the readout voltages",
    "33": "The form of loss that the derivation assumes, quoted",
    "34": "The loss with M_k = max_t V_k",
    "35": "The same, the logarithm written out (it lacks brackets: as printed, log Σ exp has the wrong sign)",
    "36": "Its derivative by the voltage of another class",
    "37": "The maximum as an integral with a Dirac delta",
    "38": "The functional derivative of the voltage",
    "39": "The derivative of the maximum",
    "40": "The jump of λ_V of another class at its maximum",
    "41": "The derivative by the voltage of the label's class",
    "42": "The jump of λ_V of the label's class at its maximum",
}
_SECTION_12 = {
    "75": "The loss of the maxima",
    "76": "The loss of the integrals",
    "77": "The maximum as an integral with a Dirac delta",
    "78": "A tautology, l_m = l_m",
    "79": "The loss of the maxima with deltas",
}


def rows() -> tuple[Row, ...]:
    """The rows of section 6."""
    return tuple(
        not_yet(f"6:{number}", title, "Section 6: comes with the readout of a maximum, max(q).")
        for number, title in _SECTION_6.items()
    )


def section_12() -> tuple[Row, ...]:
    """The rows of section 12."""
    return tuple(
        not_yet(
            f"12:{number}", title, "Section 12: comes with losses over the readouts max(q) and integral(q)."
        )
        for number, title in _SECTION_12.items()
    )
