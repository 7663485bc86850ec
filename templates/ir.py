"""The intermediate representation: every formula and structural fact of a model, and nothing else.

Frozen records with exact rationals; no SymPy, no C, no strings of code. ``derive.lower`` makes them,
``templates.render`` prints them, and ``generated/<model>/ir.json`` stores them (JSON, written by msgspec).
The order of tuples is the order of things in the kernels.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from saltus.templates.tree import Assign, Block, Call, Const, Expr, Label, Node, Op, Reduce, Ref

__all__ = [
    "AnyFlow",
    "AnyLoss",
    "Arrival",
    "Assign",
    "Block",
    "Call",
    "Const",
    "Emission",
    "Expr",
    "Fact",
    "Flow",
    "HeadIR",
    "HeadPartial",
    "HeadReadout",
    "Jump",
    "Label",
    "MatrixFlow",
    "Mode",
    "ModelIR",
    "NumericFlow",
    "Op",
    "Parameter",
    "Peak",
    "Probe",
    "Reading",
    "Reduce",
    "Ref",
    "Rung",
    "State",
    "TrainIR",
    "dump",
    "load_loss",
    "load_model",
]


class Parameter(Node, frozen=True):
    """A parameter with its default (float64), unit and whether it must stay positive.

    ``initial_of`` names the state whose initial value it is (``V0`` is the initial value of ``V``).
    """

    name: str
    default: float
    unit: str = "1"
    positive: bool = False
    doc: str = ""
    initial_of: str | None = None


class State(Node, frozen=True):
    """A state, the name of its adjoint variable, and its initial value.

    ``initial`` is the parameter that holds the initial value; None for the running integral of a readout,
    which starts at zero and is nobody's parameter.
    """

    name: str
    adjoint: str
    initial: str | None


class Flow(Node, frozen=True, tag="exact"):
    """A solution between events in closed form.

    propagator: (dt, parameters) -> the distinct entries of the flow's and the adjoint flow's matrices;
    advance: (entries, states) -> states after dt, named ``<state>_next``;
    adjoint: (entries, adjoints) -> adjoints dt earlier, named ``<adjoint>_next``; where a readout integrates
    a polynomial of the states it also takes the states at the start, and needs the network kernel;
    sensitivity: (dt, parameters) -> the derivatives of the entries by the parameters;
    parameters: (these, parameters, states at the start, adjoints at the end) -> ``grad_<parameter>``,
    the derivative of a(end) . x(dt) at fixed dt, start and end.
    """

    kind: str
    entries: tuple[str, ...]
    propagator: Block
    advance: Block
    adjoint: Block
    sensitivity: Block
    parameters: Block


class MatrixFlow(Node, frozen=True, tag="matrix"):
    """Linear dynamics in which states drive one another in a circle: x' = A x + b, by a matrix exponential.

    entries: (row, column) of each entry of A that is not zero, by index of the states; column = number of
    states stands for b;
    matrix: parameters -> those entries, named ``A_<row>_<column>``;
    derivatives: parameters -> ``A_<row>_<column>_<parameter>``, those that are not zero.
    """

    entries: tuple[tuple[int, int], ...]
    matrix: Block
    derivatives: Block


class NumericFlow(Node, frozen=True, tag="numeric"):
    """Dynamics without a solution in closed form, integrated by an embedded Runge-Kutta pair.

    field: (states, parameters) -> ``<state>_dot``;
    pull: (states, ``costate_<state>``, parameters) -> ``pull_<state>`` = sum of costate . d field/d state and
    ``grad_<parameter>`` = costate . d field/d parameter.
    """

    field: Block
    pull: Block


AnyFlow = Flow | MatrixFlow | NumericFlow


class Rung(Node, frozen=True):
    """One rung of the ladder of derivatives that isolates the zeros of a guard (Rolle).

    ``value`` is u_k(x, p), linear in the states; between the zeros of u_{k+1} = (D + rate) u_k,
    u_k exp(rate s) is monotone. The last rung is a single exponential, so it keeps its sign between events.
    """

    value: Block
    rate: Block


class Jump(Node, frozen=True):
    """A transition at a time that something else gives: the end of a phase, a reset by an arrival.

    jump: (states before, w, parameters) -> ``<state>_next``;
    adjoint: (states before, adjoints after, w, parameters) -> ``<adjoint>_next`` (before);
    credit: (states before, adjoints after, w, parameters) -> ``credit``, dL/dt of its time;
    parameters: (states before, adjoints after, w, parameters) -> ``grad_<parameter>``.
    """

    jump: Block
    adjoint: Block
    credit: Block
    parameters: Block


EXACT_TOP = 3
"""Rungs of a ladder that ends at u_2."""


class Emission(Node, frozen=True):
    """A transition at an upward zero crossing of the guard.

    guard: (states, parameters) -> guard;  slope: -> guard_slope (its time derivative);
    ladder: u_0 (the guard) up to the last, single-signed rung; for a matrix flow the guard and its first two
    time derivatives, for a numeric flow nothing;
    reset: (states before, parameters) -> ``<state>_next``;
    adjoint: (states before, adjoints after, external, parameters) -> ``sensitivity`` (dL/dt_k in full) and
    ``<adjoint>_next`` (before); ``external`` = dl_p/dt_k + l- - l+ + the credits of its arrivals;
    parameters: (states before, adjoints after, sensitivity, parameters) -> ``grad_<parameter>``;
    goto: the mode that follows (an index into ``ModelIR.modes`` plus one; 0: the model's own dynamics);
    triggered: the same reset when an arrival lifts the guard over zero: its time is the arrival's;
    keeps_guard: the reset leaves the guard at zero: its slope after the reset says what follows, and the zero
    at the left end of what follows is not a crossing.
    """

    name: str
    emits: bool
    guard: Block
    slope: Block
    ladder: tuple[Rung, ...]
    reset: Block
    adjoint: Block
    parameters: Block
    goto: int = 0
    triggered: Jump | None = None
    keeps_guard: bool = False

    @property
    def exact_top(self) -> bool:
        """Whether the ladder ends at u_2, which then keeps its sign: the end of an interval bounds u_0."""
        return len(self.ladder) == EXACT_TOP


class Arrival(Node, frozen=True):
    """What a spike of weight ``w`` does to the receiving neuron.

    jump: (states before, w, parameters) -> ``<state>_next``;
    adjoint: (adjoints after, w, parameters) -> ``<adjoint>_next`` (before);
    credit: (adjoints after, parameters) -> ``credit``, which times w is dL/dt of the arrival;
    weight: (adjoints after, parameters) -> ``grad_w``;
    parameters: (states before, adjoints after, w, parameters) -> ``grad_<parameter>``;
    linear: the credit is linear in w and nothing but ``jump`` and ``parameters`` needs the states; if not,
    adjoint, credit and weight also take the states before and w, and ``credit`` is the whole credit;
    additive: spikes that arrive together act as one spike with the sum of their weights;
    triggers: it can lift the guard over zero.
    """

    receptor: str
    jump: Block
    adjoint: Block
    credit: Block
    weight: Block
    parameters: Block
    linear: bool = True
    additive: bool = False
    triggers: bool = False


class Mode(Node, frozen=True):
    """A phase with dynamics of its own (refractoriness), entered by an emission, left ``duration`` later.

    duration: the parameter that says how long; goto: what follows, as in ``Emission``;
    end: the jump at its end, without a weight; its credit goes to the emission and to ``duration``.
    """

    name: str
    flow: AnyFlow
    arrivals: tuple[Arrival, ...]
    duration: str
    goto: int
    end: Jump


class Peak(Node, frozen=True):
    """The readout max over time of a linear function q of the states.

    ladder: q, then its rungs, as of a guard, for its stationary points; phases: the same in each mode;
    partials: parameters -> ``<state>_partial`` = dq/dstate;
    parameters: (states, parameters) -> ``grad_<parameter>`` = dq/dparameter;
    window: (parameters, ``T``, the end of the run) -> ``u_begin``, ``u_end``; None: all of the run;
    bounds: (``u_by_begin`` = dL/dbegin, ``u_by_end``, parameters) -> ``grad_<parameter>``.
    """

    name: str
    ladder: tuple[Rung, ...]
    phases: tuple[tuple[Rung, ...], ...]
    partials: Block
    parameters: Block
    window: Block | None
    bounds: Block


class Reading(Node, frozen=True):
    """A function q of the states at one time.

    time: (parameters, ``T``, the end of the run) -> ``u_time``; None: at the end, or at each of the
    population's sample times;
    value: (states, parameters) -> ``u_value``;
    partials: (states, parameters) -> ``<state>_partial`` = dq/dstate;
    parameters: (states, parameters) -> ``grad_<parameter>`` = dq/dparameter, that of the time included.
    """

    time: Block | None
    value: Block
    partials: Block
    parameters: Block


class Probe(Node, frozen=True):
    """The readout that is the sum of its readings; listed: its only one at each of the sample times."""

    name: str
    readings: tuple[Reading, ...]
    listed: bool


class Fact(Node, frozen=True):
    """Something that analysis found out about the model and that a kernel or a user may rely on."""

    name: str
    text: str


class ModelIR(Node, frozen=True):
    """One model: everything the kernels and the runtime need to know about it.

    constants: parameters -> ``per_<parameter>`` (reciprocals), which other blocks may take as inputs;
    terminal: (``final_<state>`` = dL/dx(T), parameters) -> ``<adjoint>_next``, the adjoints at t = T;
    initial: (adjoints at t = 0, parameters) -> ``grad_<parameter>`` for each initial value.
    integrals: names of the readout integrals, which are states as well;
    costate: (adjoints, parameters) -> ``costate_<state>`` = dL/dstate;
    inputs: states given from outside, piecewise constant in time: they have no dynamics of their own;
    peaks: the readouts that are a maximum over time; probes: those of the state at given times.
    """

    name: str
    title: str
    source: str
    parameters: tuple[Parameter, ...]
    states: tuple[State, ...]
    flow: AnyFlow
    emissions: tuple[Emission, ...]
    arrivals: tuple[Arrival, ...]
    constants: Block
    terminal: Block
    initial: Block
    integrals: tuple[str, ...]
    facts: tuple[Fact, ...]
    costate: Block | None = None
    modes: tuple[Mode, ...] = ()
    inputs: tuple[str, ...] = ()
    peaks: tuple[Peak, ...] = ()
    probes: tuple[Probe, ...] = ()


class HeadReadout(Node, frozen=True):
    """What a head reads of each class's neuron: the time of spike number ``spike``, counted from 0; or the
    sum of ``kernel`` over all its spikes; else a readout of the model that the head's user names, or, if
    ``sampled``, a state at sample times.

    kernel: (t, the time of a spike, parameters) -> ``kernel``; slope: -> ``slope``, its derivative.
    """

    name: str
    spike: int | None = None
    kernel: Block | None = None
    slope: Block | None = None
    sampled: bool = False


class HeadPartial(Node, frozen=True):
    """A head's derivative by one readout x: (k, whatever ``value`` takes) -> ``grad_<x>``.

    label: at k = label, None for a head without label; other: at any other k.
    """

    label: Block | None
    other: Block


class HeadIR(Node, frozen=True, tag="head"):
    """A loss H over readouts ``x[k]`` of the classes k, for one sample with label ``label`` and targets.

    targets: names of the data with one number for each class;
    sums: the sums over the classes, in order, each (readouts, targets, label, parameters, earlier sums) ->
    the sum;
    value: (readouts, targets, label, parameters, sums) -> ``loss``;
    partials: one for each readout.
    """

    name: str
    title: str
    source: str
    parameters: tuple[Parameter, ...]
    readouts: tuple[HeadReadout, ...]
    targets: tuple[str, ...]
    labelled: bool
    sums: tuple[Block, ...]
    value: Block
    partials: tuple[HeadPartial, ...]


class TrainIR(Node, frozen=True, tag="trains"):
    """A distance of spike trains from target trains, a sum over pairs of spikes.

    target: the name of the data;
    kernel: (d, parameters) -> ``kernel``, of two spikes a time d >= 0 apart;
    slope: (d, parameters) -> ``slope``, its derivative.
    """

    name: str
    title: str
    source: str
    parameters: tuple[Parameter, ...]
    target: str
    kernel: Block
    slope: Block


AnyLoss = HeadIR | TrainIR


def dump(ir: ModelIR | AnyLoss) -> bytes:
    """The JSON text of an IR: the same bytes for the same IR, on every machine."""
    return msgspec.json.format(msgspec.json.encode(ir), indent=2) + b"\n"


def load_model(path: Path) -> ModelIR:
    """Reads ``ir.json`` of a model; raises ``msgspec.ValidationError`` when it is not one."""
    return msgspec.json.decode(path.read_bytes(), type=ModelIR)


def load_loss(path: Path) -> AnyLoss:
    """Reads ``ir.json`` of a loss; raises ``msgspec.ValidationError`` when it is not one."""
    found: AnyLoss = msgspec.json.decode(path.read_bytes(), type=AnyLoss)
    return found
