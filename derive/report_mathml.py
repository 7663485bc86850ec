r"""Presentation MathML from the LaTeX that ``report_latex`` writes.

Only the commands that occur there are known, and any other raises: a formula is either set right or not at
all. So the LaTeX is the one written form, and a page in HTML shows exactly that.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from html import escape

NAMESPACE = "http://www.w3.org/1998/Math/MathML"

_TOKEN = re.compile(r"\\[A-Za-z]+|\\[,;!]|[0-9]+(?:\.[0-9]+)?|\s+|.", re.DOTALL)
_LETTERS = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau"
_GREEK = dict(
    zip(
        [*_LETTERS.split(), "phi", "chi", "psi", "omega", "Phi", "Psi"],
        "αβγδεζηθικλμνξπρστφχψωΦΨ",
        strict=True,
    )
)
_OPERATORS = {"cdot": "⋅", "in": "∈", "neq": "≠", "dots": "…", "ldots": "…", "to": "→", "mapsto": "↦"}
_SPACES = {",": "0.17em", ";": "0.28em", "!": "-0.17em", "quad": "1em"}
_CALLIGRAPHIC = {"L": "ℒ", "F": "ℱ"}
_FUNCTIONS = ("exp", "log", "max")


def math(latex: str, *, block: bool = False) -> str:
    """One formula as a ``math`` element; ``block`` on a line of its own."""
    display = ' display="block"' if block else ""
    return f'<math xmlns="{NAMESPACE}"{display}>{row(latex)}</math>'


def equation(left: str, sign: str, lines: Sequence[str]) -> str:
    """``left = lines`` as a ``math`` element on lines of its own, the lines under one another."""
    if len(lines) == 1:
        return math(f"{left} {sign} {lines[0]}", block=True)
    first, *others = lines
    cells = [(row(left), row(f"{sign} {first}"))]
    cells += [("", f'<mspace width="1.5em"/>{_continued(row(line))}') for line in others]
    body = "".join(f'<mtr><mtd class="left">{a}</mtd><mtd class="right">{b}</mtd></mtr>' for a, b in cells)
    table = f'<mtable displaystyle="true" columnalign="right left">{body}</mtable>'
    return f'<math xmlns="{NAMESPACE}" display="block">{table}</math>'


def _continued(elements: str) -> str:
    """A line that goes on with a sign, which has the space of one between two terms."""
    return elements.replace('<mo form="prefix">', '<mo form="infix">', 1)


def row(latex: str) -> str:
    """The elements of a formula.

    Raises:
        ValueError: if it has a command that is not known here.
    """
    parser = _Parser([token for token in _TOKEN.findall(latex) if not token.isspace()], latex)
    found = parser.until(())
    return found if found.count("<") else f"<mrow>{found}</mrow>"


class _Parser:
    """Recursive descent over the tokens of one formula."""

    def __init__(self, tokens: list[str], latex: str) -> None:
        self._tokens, self._at, self._latex = tokens, 0, latex

    def until(self, stops: tuple[str, ...]) -> str:
        """Elements up to one of the tokens ``stops``, which is taken too; to the end if there are none."""
        found: list[str] = []
        while self._at < len(self._tokens):
            if self._tokens[self._at] in stops:
                self._at += 1
                return "".join(found)
            found.append(self._with_scripts())
        if stops:
            raise self._wrong(f"{stops[0]} is missing")
        return "".join(found)

    def _with_scripts(self) -> str:
        token = self._tokens[self._at]
        starts = self._at == 0 or self._tokens[self._at - 1] in _BEFORE_SIGN
        base = self._atom()
        if token in "+-" and starts:
            base = base.replace("<mo>", '<mo form="prefix">')
        below = above = ""
        while self._peek() in ("_", "^", "'"):
            mark = self._next()
            if mark == "_":
                below = self._atom()
            else:
                above += _tight("<mo>′</mo>" if mark == "'" else self._atom())
        kind = "munder munderover mover" if token == r"\sum" else "msub msubsup msup"
        under, both, over = kind.split()
        if below and above:
            return f"<{both}>{base}{below}{_one(above)}</{both}>"
        if below:
            return f"<{under}>{base}{below}</{under}>"
        return f"<{over}>{base}{_one(above)}</{over}>" if above else base

    def _atom(self) -> str:
        token = self._next()
        if token == "{":
            return f"<mrow>{self.until(('}',))}</mrow>"
        if token.startswith("\\"):
            return self._command(token[1:])
        if token[0].isdigit():
            return f"<mn>{token}</mn>"
        if token.isalpha():
            return f"<mi>{token}</mi>"
        if token in "}_^'":
            raise self._wrong(f"{token} stands alone")
        if token == "/":
            return '<mo lspace="0" rspace="0">/</mo>'
        return f"<mo{_FENCE if token in '()[]' else ''}>{'−' if token == '-' else escape(token)}</mo>"

    def _command(self, name: str) -> str:
        if name in _GREEK:
            return f"<mi>{_GREEK[name]}</mi>"
        if name in _OPERATORS:
            return f"<mo>{_OPERATORS[name]}</mo>"
        if name in _SPACES:
            return f'<mspace width="{_SPACES[name]}"/>'
        if name in _FUNCTIONS:
            return f"<mi>{name}</mi>"
        made: dict[str, Callable[[], str]] = {
            "partial": lambda: "<mi>∂</mi>",
            "sum": lambda: "<mo>∑</mo>",
            "int": lambda: "<mo>∫</mo>",
            "frac": lambda: f"<mfrac>{self._atom()}{self._atom()}</mfrac>",
            "dot": lambda: f'<mover accent="true">{self._atom()}<mo>˙</mo></mover>',
            "mathrm": lambda: f'<mi mathvariant="normal">{self._word()}</mi>',
            "mathcal": lambda: f"<mi>{_CALLIGRAPHIC[self._word()]}</mi>",
            "text": lambda: f"<mtext>{self._word()}</mtext>",
            "left": self._bracketed,
            "Bigl": self._tall,
            "Bigr": self._tall,
        }
        if name not in made:
            raise self._wrong(f"\\{name} is not known")
        return made[name]()

    def _bracketed(self) -> str:
        opening = self._next()
        inside = self.until((r"\right",))
        return f"<mrow><mo>{escape(opening)}</mo>{inside}<mo>{escape(self._next())}</mo></mrow>"

    def _tall(self) -> str:
        return f'<mo stretchy="true" symmetric="true" minsize="2.2em">{escape(self._next())}</mo>'

    def _word(self) -> str:
        """The letters in braces, with the spaces that were dropped with the tokens."""
        if self._next() != "{":
            raise self._wrong("a brace is missing")
        letters = []
        while (token := self._next()) != "}":
            letters.append(token)
        word = "".join(letters)
        spaced = re.search(r"\{(" + r"\s*".join(map(re.escape, word)) + r")\}", self._latex)
        return escape(spaced[1] if spaced else word)

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise self._wrong("it ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _wrong(self, what: str) -> ValueError:
        return ValueError(f"{self._latex}: {what} in the LaTeX that MathML is made from.")


_BEFORE_SIGN = ("=", "{", "(", "[", r"\quad", ",")
_FENCE = ' stretchy="false"'


def _tight(script: str) -> str:
    """A sign as a superscript, without the space that it has between two things."""
    return script.replace("<mo>", '<mo lspace="0" rspace="0">') if script.startswith("<mo>") else script


def _one(elements: str) -> str:
    """Several elements as one."""
    return (
        elements
        if elements.count("<mo") <= 1 or elements.startswith("<mrow>")
        else f"<mrow>{elements}</mrow>"
    )
