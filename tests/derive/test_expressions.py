"""The parser reads what Python would read, exactly, and nothing else."""

import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st

from saltus.derive.expressions import ELEMENTARY, Grammar, Place, parse_expression
from saltus.errors import SpecError

x, y = sympy.symbols("x y", positive=True)
GRAMMAR = Grammar({"x": x, "y": y}, ELEMENTARY)
HERE = Place("file.toml", "table", "key")


def read(text: object) -> sympy.Expr:
    return parse_expression(text, GRAMMAR, HERE)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", sympy.Rational(1, 10)),
        ("20e-3", sympy.Rational(1, 50)),
        ("1e300*x", sympy.Integer(10) ** 300 * x),
        ("-x**2", -(x**2)),
        ("x - y - 1", x - y - 1),
        ("x/y/2", x / (2 * y)),
        ("x**-2", x**-2),
        ("exp(-x/y) + log(y)", sympy.exp(-x / y) + sympy.log(y)),
        ("  x + y  ", x + y),
    ],
)
def test_reads_arithmetic_exactly(text: str, value: sympy.Expr) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os')",
        "x.diff",
        "(lambda: 1)()",
        "[x for x in y]",
        "x if y else 1",
        "x[0]",
        "'x'",
        "f'{x}'",
        "x := 1",
        "exp(x=1)",
        "exp(*x)",
        "exp(x, y)",
        "x**y",
        "x**(1/2)",
        "2**2**2**2**2",
        "((x**8)**8)**8",
        "1e9999",
        "1j",
        "1_000",
        "True",
        "x(y)",
        "exp",
        "log(0)",
        "log(-1)",
        "1/(x - x)",
        "x;y",
        "",
        "x\0",
        "(" * 500 + "x" + ")" * 500,
        "-" * 1900 + "x",
        "x" + "+x" * 900,
    ],
)
def test_refuses_everything_else(text: str) -> None:
    with pytest.raises(SpecError, match=r"^file\.toml, \[table\] key: .*\n.*\.$"):
        read(text)


@given(st.text(alphabet="xyexplog0123456789.+-*/()[]eE _,'\\\"{}:=<>%@&|~^#\n", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text gets past the parser with another exception, or as something that is no expression."""
    try:
        value = read(text)
    except SpecError:
        return
    assert isinstance(value, sympy.Expr)
    assert value.free_symbols <= {x, y}


OPERANDS = st.integers(1, 99).map(str) | st.sampled_from(["x", "y"])


@given(OPERANDS, st.lists(st.tuples(st.sampled_from(["+", "-", "*", "/", "*-"]), OPERANDS), max_size=8))
def test_means_what_python_means(first: str, rest: list[tuple[str, str]]) -> None:
    """Precedence and association are Python's own."""
    text = first + "".join(operator + operand for operator, operand in rest)
    expected = eval(text, {"x": 1.25, "y": 0.3})
    assert float(read(text).subs({x: sympy.Rational(5, 4), y: sympy.Rational(3, 10)})) == pytest.approx(
        expected
    )


def test_suggests_a_near_name() -> None:
    with pytest.raises(SpecError, match="Did you mean tau_syn"):
        parse_expression("tau_sin", Grammar({"tau_syn": x}), HERE)
