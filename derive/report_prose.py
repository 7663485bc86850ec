"""Prose in each form: what is between dollar signs is LaTeX, ``*word*`` is emphasis, the rest is escaped."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from html import escape

from saltus.derive.report_document import prose_parts
from saltus.derive.report_mathml import math

_EMPHASIS = re.compile(r"\*(\w[\w ]*)\*")
_DOT = "\u0307"
_TEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "_": r"\_",
    "&": r"\&",
    "%": r"\%",
    "#": r"\#",
    "$": r"\$",
    "^": r"\^{}",
    "~": r"\~{}",
    "⁻": "$^{-}$",
    "⁺": "$^{+}$",
    "ᵀ": r"$^{T}$",
    "′": "$'$",
    "∂": r"$\partial$",
    "ϑ": r"$\vartheta$",
    "≠": r"$\neq$",
    "·": r"$\cdot$",
    "…": r"\dots{}",
    "∈": r"$\in$",
    "∞": r"$\infty$",
    "∫": r"$\int$",
    "Σ": r"$\Sigma$",
    "𝓕": r"$\mathcal{F}$",
}
_SUBSCRIPTS = {"ₖ": "k", "ₙ": "n", "ₘ": "m", "ⱼ": "j", "ᵢ": "i", "₊": "+", "₁": "1", "₂": "2", "₀": "0"}


def prose_markdown(prose: str) -> str:
    """For Markdown with mathematics between dollar signs."""
    return _mapped(prose, lambda part: _EMPHASIS.sub(r"**\1**", _markdown(part)), lambda part: f"${part}$")


def prose_latex(prose: str) -> str:
    """For LaTeX."""
    return _mapped(prose, lambda part: _EMPHASIS.sub(r"\\emph{\1}", tex(part)), lambda part: f"${part}$")


def prose_html(prose: str) -> str:
    """For HTML, formulas as MathML."""
    return _mapped(prose, lambda part: _EMPHASIS.sub(r"<em>\1</em>", escape(part, quote=False)), math)


def tex(plain: str) -> str:
    """Plain text with Unicode mathematics, as LaTeX text."""
    return "".join(_letter(cluster) for cluster in _clusters(plain))


def _mapped(prose: str, text: Callable[[str], str], formula: Callable[[str], str]) -> str:
    return "".join(formula(part) if is_math else text(part) for is_math, part in prose_parts(prose))


def _markdown(part: str) -> str:
    return re.sub(r"([\\`\[\]<>_|])", r"\\\1", part)


def _clusters(plain: str) -> list[str]:
    """Letters, each with the marks above it."""
    found: list[str] = []
    for letter in plain:
        if unicodedata.combining(letter) and found:
            found[-1] += letter
        else:
            found.append(letter)
    return found


def _letter(cluster: str) -> str:
    split = unicodedata.normalize("NFD", cluster)
    if split.endswith(_DOT) and len(split) == 2:
        inner = _letter(split[0]).strip("$")
        return rf"$\dot{{{inner}}}$"
    if cluster in _TEX:
        return _TEX[cluster]
    if cluster in _SUBSCRIPTS:
        return f"$_{{{_SUBSCRIPTS[cluster]}}}$"
    name = unicodedata.name(cluster[0], "")
    if name.startswith("GREEK SMALL LETTER"):
        word = name.rsplit(" ", 1)[1].lower().replace("lamda", "lambda")
        return rf"$\{word}$"
    return cluster
