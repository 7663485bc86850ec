"""Names of a spec mean nothing in C: whatever a state or a parameter is called, the program is the same."""

from __future__ import annotations

import itertools
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import saltus.generated
from saltus.derive import names
from saltus.derive.expressions import Place
from saltus.errors import EmitError, SpecError
from saltus.runtime.compiler import compiler
from saltus.templates import ir
from saltus.templates.clock import clock_unit
from saltus.templates.naming import OF_C, c_names, spelled
from saltus.templates.network import network_unit
from saltus.templates.probes import probe_unit
from saltus.templates.renaming import PREFIXES, SUFFIXES, renamed
from saltus.templates.render import Unit, event_unit, head_unit, train_unit

GENERATED = Path(next(iter(saltus.generated.__path__)))
WORD = re.compile(r"(?<!\w)[^\W\d]\w*")


def allowed(name: str) -> bool:
    """Whether a spec may use a name."""
    try:
        names.check_name(name, Place("a test"))
    except SpecError:
        return False
    return True


def of_templates() -> list[str]:
    """All identifiers of templates that a spec may use as well, and keywords of C."""
    found: set[str] = set()
    for entry in resources.files("saltus.templates.kernels").iterdir():
        if entry.name.endswith(".jinja"):
            text = re.sub(r"\{#.*?#\}|\{%.*?%\}|/\*.*?\*/", " ", entry.read_text("utf-8"), flags=re.DOTALL)
            found.update(WORD.findall(re.sub(r"\w*(\{\{.*?\}\}\w*)+", " ", text, flags=re.DOTALL)))
    return sorted(filter(allowed, {*found, "double", "int", "register", "typeof", "NAN"}))


def of_unit(unit: Unit) -> list[str]:
    """The identifiers of its code, in their order; without those of the library that all units share."""
    own = (text for file, text in unit.sources.items() if file != "exponentials.h")
    return WORD.findall(re.sub(r"/\*.*?\*/", " ", "\n".join(own), flags=re.DOTALL))


def chosen(given: Any) -> list[str]:
    """The names that the spec of an IR has chosen."""
    seen: dict[str, None] = {}
    renamed(given, lambda name: seen.setdefault(name) or name)
    return list(seen)


def models(*chosen: str) -> tuple[ir.ModelIR, ...]:
    return tuple(ir.load_model(GENERATED / name / "ir.json") for name in chosen)


def loss(name: str) -> ir.AnyLoss:
    return ir.load_loss(GENERATED / "losses" / name / "ir.json")


def with_probe(model: ir.ModelIR) -> ir.ModelIR:
    """The model with a readout of the first state at a time that the first parameter says."""
    state, parameter = model.states[0].name, model.parameters[0].name

    def block(part: str, output: str, value: ir.Expr, *inputs: str) -> ir.Block:
        return ir.Block(
            f"probe_seen_{part}", inputs, (output,), (ir.Assign(output, value, ir.Label("probe")),)
        )

    reading = ir.Reading(
        time=block("time", "u_time", ir.Ref(parameter), parameter),
        value=block("value", "u_value", ir.Ref(state), state),
        partials=block("partials", f"{state}_partial", ir.Const(1)),
        parameters=ir.Block("probe_seen_parameters", (), (), ()),
    )
    return ir.ModelIR(
        **{field: getattr(model, field) for field in model.__struct_fields__ if field != "probes"},
        probes=(ir.Probe("seen", (reading,), False),),
    )


UNITS: dict[str, tuple[Callable[[Any], Unit], Any]] = {
    "event": (event_unit, models("lif")[0]),
    "event, three states": (event_unit, models("alif")[0]),
    "network, integrated": (network_unit, models("izhikevich")),
    "network, two models, phase": (network_unit, models("lif_refractory", "li_max")),
    "network, matrix": (network_unit, models("adlif")),
    "clock": (clock_unit, models("lif")),
    "clock, two models, phase": (clock_unit, models("lif_refractory", "li_max")),
    "clock, matrix": (clock_unit, models("adlif")),
    "probes": (probe_unit, with_probe(models("lif")[0])),
    "head": (head_unit, loss("time_weighted_cross_entropy")),
    "head, counts": (head_unit, loss("smooth_count")),
    "trains": (train_unit, loss("van_rossum")),
}


NATURAL = "n m h q k i j e x y s u v g p l f d r z w_e many from_ to now time left row terms eight LANES NAN"
"""What users may call a state, among what templates do."""


OF_MODELS, OF_LOSSES = re.compile("(decay|response)_.*"), re.compile("[kjsd]|lse|total")
"""Names that the IR gives, for which the derivation sees to it that they differ from the spec's."""


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["some", "all"])
@pytest.mark.parametrize(("render", "given"), UNITS.values(), ids=UNITS)
def test_a_unit_is_the_same_up_to_names(render: Callable[[Any], Unit], given: Any, every: bool) -> None:
    """Call everything in a spec by the unit's own identifiers: which of them are the same stays as it was."""
    own = chosen(given)
    plain = of_unit(render(renamed(given, lambda name: f"plain0{name}")))
    words = sorted({word for word in plain if "plain0" not in word})
    if not every:
        words = [*NATURAL.split(), *np.random.default_rng(0).permutation(words)[:50]]
    kept = OF_MODELS if isinstance(given, ir.ModelIR | tuple) else OF_LOSSES
    words = [word for word in dict.fromkeys(words) if allowed(word) and not kept.fullmatch(word)]
    for taken in chunks(words, len(own)):
        called = dict(zip(own, map(str, taken), strict=True))
        found = of_unit(render(renamed(given, called.__getitem__)))
        assert mixed_up(plain, found) == []
        assert not {word for word in set(found) - set(plain) if OF_C.fullmatch(word)}


def chunks(words: Sequence[str], size: int) -> Iterator[list[str]]:
    """All words, ``size`` at once."""
    for start in range(0, len(words), size):
        yield list(itertools.islice(itertools.cycle(words), start, start + size))


def mixed_up(one: list[str], other: list[str]) -> list[tuple[str, str]]:
    """Where two texts differ by more than other identifiers: up to ten pairs."""
    if len(one) != len(other):
        return [(str(len(one)), str(len(other)))]
    forth: dict[str, str] = {}
    back: dict[str, str] = {}
    pairs = set(zip(one, other, strict=True))
    return [(a, b) for a, b in pairs if forth.setdefault(a, b) != b or back.setdefault(b, a) != a][:10]


def test_no_identifier_of_a_template_is_a_name_in_c() -> None:
    """Of any template, whatever else is in a unit."""
    words = of_templates()
    assert len(words) > 800
    names_ = c_names([f"int {' '.join(words)}; double {' '.join(map(in_hieroglyphs, words))};"])
    assert {spelled(foreign): name for foreign, name in names_.items()} == {w: f"{w}_spec" for w in words}


def in_hieroglyphs(name: str) -> str:
    """A name as it is rendered."""
    return "".join(chr(0x13000 + ord(letter)) for letter in name)


def test_names_that_clash_with_nothing_stay() -> None:
    unit = event_unit(models("lif")[0])
    assert not [word for word in of_unit(unit) if "_spec" in word]


def test_what_looks_like_another_is_told_apart() -> None:
    """A model and its phase, or a model of the name of both; two things that are derived from names."""
    lif, refractory = models("lif", "lif_refractory")
    called = {"lif_refractory": "lif", "lif": "lif_held", "held": "held"}
    both = [renamed(m, lambda name: called.get(name, name)) for m in (refractory, lif)]
    one, other = of_unit(network_unit((refractory, lif))), of_unit(network_unit(tuple(both)))
    assert mixed_up(one, other) == []
    nasty = {"theta": "scale_tau_mem", "v_reset": "moved_tau_syn", "exc": "spike"}
    one, other = event_unit(lif), event_unit(renamed(lif, lambda name: nasty.get(name, name)))
    assert mixed_up(of_unit(one), of_unit(other)) == []


def test_comments_errors_and_the_ir_have_the_names_of_the_spec() -> None:
    lif = renamed(models("lif")[0], lambda name: {"V": "n", "exc": "left", "lif": "cell"}.get(name, name))
    text = event_unit(lif).sources["model.h"]
    assert "/* ---- arrival: left */" in text
    assert "n_spec_next = " in text
    assert "from cell.toml" in text
    assert text.isascii()
    two = ir.ModelIR(
        **{field: getattr(lif, field) for field in lif.__struct_fields__ if field != "emissions"},
        emissions=lif.emissions * 2,
    )
    with pytest.raises(EmitError, match=r"^cell has 2 transitions"):
        event_unit(two)


def test_macros_of_headers_are_no_names() -> None:
    """Whatever the local headers define as a macro that takes no arguments and that a spec may use."""
    headers = "math.h stdint.h stddef.h string.h float.h sched.h"
    source = "#define _GNU_SOURCE\n" + "\n".join(f"#include <{header}>" for header in headers.split())
    done = subprocess.run(
        [*compiler().command, *compiler().flags, "-dM", "-E", "-x", "c", "-"],
        input=source,
        capture_output=True,
        text=True,
        check=True,
    )
    macros = re.findall(r"^#define (\w+)(?: |$)", done.stdout, re.MULTILINE)
    assert "INFINITY" in macros
    assert not [name for name in macros if allowed(name) and not OF_C.fullmatch(name)]


def test_what_is_derived_from_names_is_no_name() -> None:
    for name in (*(f"{prefix}x" for prefix in PREFIXES), *(f"x{suffix}" for suffix in SUFFIXES)):
        assert not allowed(name), name
