r"""Between two spikes: from the loss with its constraints to the adjoint dynamics.

The dynamics f(x', x, p) = 0 are added to the loss with multipliers, the derivative is taken under the
integral (Leibniz), integrated by parts and collected; the multipliers are then chosen so that nothing is
left of :math:`\partial x/\partial p` inside the interval. What is written for one neuron holds for each, and
they add.

Wunderlich & Pehle (2021), eqs. (25)-(34), for any dynamics affine in x'.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy
from sympy import Expr, Function, Integral, S, Symbol

from saltus.derive import notation
from saltus.derive.algebra import total
from saltus.derive.derivation import Equation
from saltus.derive.scene import LOSS_AFTER, LOSS_BEFORE, LOSS_NEXT, SPIKE_LOSS, XI, Scene, loss_slope

T = Symbol("t")
START = notation.quantity("tₖ", "t_k")
END = notation.quantity("tₖ₊₁", "t_{k+1}")
RUNNING_LOSS = notation.named("l")
ENDS = notation.quantity("ends", r"\left[\ldots\right]_{t_k}^{t_{k+1}}")
"""What the moving ends of an interval contribute."""
_SPIKES = "k = 0 … N"


def between_spikes(scene: Scene) -> list[Equation]:
    """Every step from the loss to the adjoint dynamics and the sum over spikes."""
    free = [_dynamics(scene, i) for i in range(len(scene.names))]
    gronwall = [_gronwall(scene, i) for i in range(len(scene.names))]
    pairs = _pairs(scene)
    loss, ends, leibniz = _loss(scene), _ends(scene), _leibniz(scene)
    parts = [_by_parts(scene, pair) for pair in pairs]
    return [*free, loss, *gronwall, ends, leibniz, *parts, *_collect(scene, leibniz, pairs), *_spikes(scene)]


def _dynamics(scene: Scene, i: int) -> Equation:
    return Equation(
        f"dynamics.{scene.names[i]}",
        _constraint(scene, i),
        scene.at(scene.spec.dynamics[i]),
        "The free dynamics; zero along a trajectory.",
    )


def _loss(scene: Scene) -> Equation:
    return Equation(
        "loss",
        notation.quantity("L - l_p", r"\mathcal{L} - l_p"),
        _over_interval(RUNNING_LOSS + _constraints(scene)),
        "The loss, split at the spikes, with the dynamics added: they vanish, so any multiplier may be used.",
        over=_SPIKES,
    )


def _gronwall(scene: Scene, i: int) -> Equation:
    r"""Derivative of the dynamics along the direction; d/dt and d/dp commute.

    The witness differentiates f with each state a function of t and p, by SymPy's own rules.
    """
    lhs = _varied(scene, i)
    return Equation(
        f"gronwall.{scene.names[i]}",
        lhs,
        _sensitivity(scene, scene.at(scene.spec.dynamics[i])),
        "Differentiate the dynamics; d/dt and the derivative by a constant commute.",
        uses=(f"dynamics.{scene.names[i]}",),
        facts={lhs: _by_functions(scene, scene.at(scene.spec.dynamics[i]))},
    )


def _ends(scene: Scene) -> Equation:
    """What the moving ends of an interval sweep: the integrand there, times the derivative of the end."""

    def integrand(side: str, loss: Symbol) -> Expr:
        at = {_constraint(scene, i): _constraint(scene, i, side) for i in range(len(scene.names))}
        at |= dict(zip(scene.adjoints(), scene.adjoints("", side), strict=True))
        return (RUNNING_LOSS + _constraints(scene)).xreplace(at).xreplace({RUNNING_LOSS: loss})

    swept = integrand("-", LOSS_NEXT) * scene.next_time - integrand("+", LOSS_AFTER) * scene.time
    return Equation(
        "leibniz.ends",
        ENDS,
        swept,
        "The end moves forward and adds the integrand there; the beginning takes it away.",
        facts={ENDS: sympy.expand(swept)},
        differentiates=("loss",),
    )


def _leibniz(scene: Scene) -> Equation:
    r"""Leibniz rule on one interval: its integrand's derivative, and its two moving ends.

    At the ends the constraints are zero, so only the running loss is left; the multipliers' own derivatives
    come with a factor f = 0.
    """
    slopes = _loss_slopes(scene)
    varied = {_constraint(scene, i): _varied(scene, i) for i in range(len(scene.names))}
    inside = slopes + _constraints(scene).xreplace(varied)
    on_trajectory: dict[Expr, Expr] = {
        _constraint(scene, i, side): S.Zero for i in range(len(scene.names)) for side in ("-", "+")
    }
    gronwall = {varied_i: _sensitivity(scene, scene.at(f)) for varied_i, f in _rows(scene)}
    by_functions = _constraints(scene).xreplace(dict(_by_function_rows(scene)))
    return Equation(
        "leibniz",
        scene.gradient,
        _over_interval(inside.xreplace(gronwall))
        + SPIKE_LOSS * scene.time
        + LOSS_NEXT * scene.next_time
        - LOSS_AFTER * scene.time,
        "Leibniz rule: the derivative of the integrand, and what the moving ends sweep.",
        uses=tuple(f"gronwall.{name}" for name in scene.names),
        combines={"leibniz.ends": S.One},
        facts={
            scene.gradient: _over_interval(slopes + by_functions) + SPIKE_LOSS * scene.time + ENDS,
            **on_trajectory,
        },
    )


@dataclass(frozen=True)
class _Pair:
    """A row r and a state a that its velocity enters: the term ``factor * d/dt(dx_a)``, times ``outside``."""

    row: int
    column: int
    factor: Expr
    outside: Expr
    rate: Expr


def _pairs(scene: Scene) -> list[_Pair]:
    found = []
    states = set(scene.states())
    lambdas = scene.adjoints()
    rates: dict[Symbol, Expr] = {**dict(zip(scene.states(), scene.velocities(), strict=True))}
    rates |= {notation.adjoint(name): notation.adjoint_velocity(name) for name in scene.names}
    for r in range(len(scene.names)):
        for a in range(len(scene.names)):
            entry = scene.at(scene.spec.mass[r, a])
            if entry == 0:
                continue
            factor, outside = (
                (entry * lambdas[r], S.One) if entry.free_symbols & states else (lambdas[r], entry)
            )
            found.append(_Pair(r, a, factor, outside, total(factor, rates)))
    return found


def _by_parts(scene: Scene, pair: _Pair) -> Equation:
    name, row = scene.names[pair.column], scene.names[pair.row]
    dx = scene.partials()[pair.column]
    dx_dot = notation.partial_rate(name, scene.direction.name)
    ends = _bracket(scene, pair)
    return Equation(
        f"parts.{name}" if row == name else f"parts.{row}.{name}",
        _over_interval(pair.factor * dx_dot),
        ends - _over_interval(pair.rate * dx),
        "Partial integration.",
        facts={ends: _over_interval(pair.rate * dx + pair.factor * dx_dot)},
    )


def _collect(scene: Scene, leibniz: Equation, pairs: list[_Pair]) -> list[Equation]:
    inside = {name: _coefficient(scene, pairs, a) for a, name in enumerate(scene.names)}
    explicit = _explicit(scene)
    ends = sympy.Add(*(pair.outside * _bracket(scene, pair) for pair in pairs))
    partials = dict(zip(scene.names, scene.partials(), strict=True))
    integrand = sympy.Add(*(inside[name] * partials[name] for name in scene.names)) + explicit
    moving = leibniz.rhs - sympy.Add(*(i for i in leibniz.rhs.atoms(Integral)))
    labels = {
        (f"parts.{c}" if r == c else f"parts.{r}.{c}"): pair.outside
        for pair in pairs
        for r, c in [(scene.names[pair.row], scene.names[pair.column])]
    }
    collected = Equation(
        "collect",
        scene.gradient,
        _over_interval(integrand) + ends + moving,
        "Partial integration put in, collected in the derivatives of the states.",
        combines={"leibniz": S.One, **labels},
    )
    choices, odes = [], []
    for a, name in enumerate(scene.names):
        choices.append(
            Equation(
                f"choice.{name}",
                inside[name],
                S.Zero,
                "The multipliers are chosen so that this coefficient vanishes between spikes.",
            )
        )
        odes.append(_adjoint_ode(scene, a, inside[name]))
    return [collected, *choices, *odes]


def _adjoint_ode(scene: Scene, a: int, coefficient: Expr) -> Equation:
    r"""The adjoint dynamics, time reversed: ' = -d/dt.

    .. math:: (M^T\lambda)'_a = -\sum_r \lambda_r\,\frac{\partial f_r}{\partial x_a} - \frac{\partial
    l}{\partial x_a}
    """
    reversed_ = {notation.adjoint_velocity(name): -notation.adjoint_backward(name) for name in scene.names}
    backward = coefficient.xreplace(reversed_)
    rates = [notation.adjoint_backward(name) for name in scene.names]
    lhs = sympy.Add(*(sympy.expand(backward).coeff(rate) * rate for rate in rates))
    return Equation(
        f"adjoint.ode.{scene.names[a]}",
        lhs,
        sympy.expand(lhs - backward),
        "Solved, and written in reversed time; it starts from λ(T) = 0.",
        combines={f"choice.{scene.names[a]}": S.One},
        facts=dict(reversed_),
    )


def _spikes(scene: Scene) -> list[Equation]:
    r"""What is left is a sum over the spikes: the end of one interval is the beginning of the next.

    Regrouping needs the ends: at t = 0 the states do not depend on the weights, and at T the multipliers
    are zero.
    """
    before = zip(scene.momenta("", "-"), scene.partials("", "-"), strict=True)
    after = zip(scene.momenta("", "+"), scene.partials("", "+"), strict=True)
    xi = Equation(
        "xi",
        XI,
        (SPIKE_LOSS + LOSS_BEFORE - LOSS_AFTER) * scene.time
        + sympy.Add(*(c * dx for c, dx in before))
        - sympy.Add(*(c * dx for c, dx in after)),
        "The terms of the k-th spike, the end of one interval and the beginning of the next taken together.",
        differentiates=("collect",),
    )
    left = _explicit(scene)
    rest = _over_interval(left) if left != 0 else S.Zero
    return [
        xi,
        Equation(
            "sum.transitions",
            scene.gradient,
            XI + rest,
            "Between the spikes nothing is left but the explicit dependence of the dynamics.",
            facts={scene.gradient: XI + rest + regrouped(scene, 3)},
            differentiates=("xi", *(f"adjoint.ode.{name}" for name in scene.names)),
            over="k = 1 … N",
        ),
    ]


def regrouped(scene: Scene, spikes: int) -> Expr:
    r"""The boundary terms of all intervals minus the sum of :math:`\xi_k`, for a run with so many spikes.

    Zero: interval k contributes its moving ends and its bracket; t_0 = 0 and t_{N+1} = T do not move, the
    states at 0 do not depend on the direction, and the multipliers are zero at T.
    """

    def stamped(expression: Expr, k: int) -> Expr:
        if k == 0:
            zero: list[Symbol] = [scene.time, *scene.partials("", "+")]
            return expression.xreplace(dict.fromkeys(zero, S.Zero))
        if k == spikes + 1:
            zero = [scene.time, *scene.adjoints("", "-")]
            return expression.xreplace(dict.fromkeys(zero, S.Zero))
        return expression.xreplace({s: Symbol(f"{s.name}@{k}") for s in expression.free_symbols})

    def boundary(side: str) -> Expr:
        return sympy.Add(
            *(c * dx for c, dx in zip(scene.momenta("", side), scene.partials("", side), strict=True))
        )

    intervals = sympy.Add(
        *(
            stamped(boundary("-") + LOSS_BEFORE * scene.time, k + 1)
            - stamped(boundary("+") + LOSS_AFTER * scene.time, k)
            + stamped(SPIKE_LOSS * scene.time, k)
            for k in range(spikes + 1)
        )
    )
    xi = (SPIKE_LOSS + LOSS_BEFORE - LOSS_AFTER) * scene.time + boundary("-") - boundary("+")
    return sympy.expand(intervals - sympy.Add(*(stamped(xi, k) for k in range(1, spikes + 1))))


def _coefficient(scene: Scene, pairs: list[_Pair], a: int) -> Expr:
    """What stands before dx_a in the integrand after partial integration."""
    rows = zip(scene.adjoints(), scene.spec.dynamics, strict=True)
    direct = sympy.Add(*(lam * scene.at(f.diff(scene.spec.states[a].symbol)) for lam, f in rows))
    moved = sympy.Add(*(pair.outside * pair.rate for pair in pairs if pair.column == a))
    return sympy.expand(loss_slope(scene.names[a]) - moved + direct)


def _explicit(scene: Scene) -> Expr:
    """The part of the integrand through the parameters themselves: lambda . df/dp."""
    rows = zip(scene.adjoints(), scene.spec.dynamics, strict=True)
    return sympy.Add(*(lam * total(scene.at(f), scene.given()) for lam, f in rows))


def _sensitivity(scene: Scene, expression: Expr) -> Expr:
    rates: dict[Symbol, Expr] = dict(zip(scene.states(), scene.partials(), strict=True))
    rates |= {
        notation.velocity(name): notation.partial_rate(name, scene.direction.name) for name in scene.names
    }
    return total(expression, rates | scene.given())


def _by_functions(scene: Scene, expression: Expr) -> Expr:
    """The same by SymPy's own rules: states are functions of t and q, parameters of q."""
    q = Symbol("q")
    states = [Function(f"X_{i}")(T, q) for i in range(len(scene.names))]
    parameters = {symbol: Function(f"P_{symbol.name}")(q) for symbol in scene.direction.parameters}
    derived = (
        expression.xreplace(parameters)
        .xreplace({dot: f.diff(T) for dot, f in zip(scene.velocities(), states, strict=True)})
        .xreplace(dict(zip(scene.states(), states, strict=True)))
        .diff(q)
    )
    derived = derived.xreplace(
        {
            f.diff(T, q): notation.partial_rate(name, scene.direction.name)
            for f, name in zip(states, scene.names, strict=True)
        }
    )
    derived = derived.xreplace({f.diff(q): dx for f, dx in zip(states, scene.partials(), strict=True)})
    derived = derived.xreplace({f.diff(T): dot for f, dot in zip(states, scene.velocities(), strict=True)})
    derived = derived.xreplace({f.diff(q): scene.direction.parameters[s] for s, f in parameters.items()})
    return derived.xreplace(
        {f: s for s, f in parameters.items()} | dict(zip(states, scene.states(), strict=True))
    )


def _by_function_rows(scene: Scene) -> list[tuple[Expr, Expr]]:
    return [
        (_constraint(scene, i), _by_functions(scene, scene.at(f))) for i, f in enumerate(scene.spec.dynamics)
    ]


def _rows(scene: Scene) -> list[tuple[Expr, Expr]]:
    return [(_varied(scene, i), f) for i, f in enumerate(scene.spec.dynamics)]


def _loss_slopes(scene: Scene) -> Expr:
    return sympy.Add(*(loss_slope(name) * dx for name, dx in zip(scene.names, scene.partials(), strict=True)))


def _constraint(scene: Scene, i: int, side: str = "") -> Symbol:
    name = scene.names[i]
    mark = {"": "", "-": "⁻", "+": "⁺"}[side]
    return notation.quantity(
        f"f_{name}{mark}", f"f_{{{notation.latex_name(name)}}}" + (f"^{side}" if side else "")
    )


def _varied(scene: Scene, i: int) -> Symbol:
    return notation.derivative(f"f_{scene.names[i]}", scene.direction.name)


def _constraints(scene: Scene) -> Expr:
    return sympy.Add(*(lam * _constraint(scene, i) for i, lam in enumerate(scene.adjoints())))


def _bracket(scene: Scene, pair: _Pair) -> Symbol:
    return notation.bracket(pair.factor, scene.names[pair.column], scene.direction.name)


def _over_interval(expression: Expr) -> Expr:
    return Integral(expression, (T, START, END))
