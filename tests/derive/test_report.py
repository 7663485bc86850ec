"""Documents say what was derived, all of it, and *proved* only where it was."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
from sympy import Symbol

from saltus.derive import files, report_document
from saltus.derive.gradient import adjoint
from saltus.derive.report import document, table2_html, table2_latex, table2_text, write
from saltus.derive.report_code import listings, places
from saltus.derive.report_document import Document, names_of, steps_of
from saltus.derive.report_latex import relation_latex
from saltus.derive.report_layout import relation
from saltus.derive.report_mathml import NAMESPACE, math
from saltus.derive.report_pages import anchors, html_page, json_text, latex_page, markdown_page
from saltus.derive.report_tables import table_2
from saltus.derive.report_text import relation_text
from saltus.derive.spec import load
from saltus.errors import SpecError
from saltus.runtime.listing import sources

LOSS = "first_spike_cross_entropy"
made = cache(document)
"""A document of a shipped name, made once."""
TABLE_2 = """\
lif: Leaky integrate-and-fire neuron with an exponential current synapse

Free dynamics                     Transition      Jumps at the transition
───────────────────────────────   ─────────────   ──────────────────────────────────────────────────────
τ_mem λ_V′ = -λ_V - ∂l/∂V         (V⁻)ₙ - θ = 0   (λ_V⁻)ₙ = (V̇⁺)ₙ/(V̇⁻)ₙ · (λ_V⁺)ₙ
τ_syn λ_I′ = -λ_I + λ_V - ∂l/∂I   (V̇⁻)ₙ ≠ 0           + 1/(τ_mem (V̇⁻)ₙ) · [Σₘ wₘₙ ((λ_V⁺)ₘ - (λ_I⁺)ₘ)
                                                      + ∂l_p/∂tₖ + l⁻ - l⁺]
                                                  that is, for v_reset = 0,
                                                  (λ_V⁻)ₙ = (λ_V⁺)ₙ + 1/(τ_mem (V̇⁻)ₙ) · [θ (λ_V⁺)ₙ
                                                      + Σₘ wₘₙ ((λ_V⁺)ₘ - (λ_I⁺)ₘ) + ∂l_p/∂tₖ + l⁻ - l⁺]
                                                  every other λ⁻ = λ⁺

Gradients
────────────────────────────────────────────────────────────────────────────────────────────
dL/dw_ji = -τ_syn Σ[t ∈ spikes from i] (λ_I⁺)ⱼ
dL/dw_j,in = -τ_syn Σ[t ∈ input spikes] (λ_I⁺)ⱼ
∂L/∂t_in = w_j,in ((λ_V⁺)ⱼ - (λ_I⁺)ⱼ) + l⁻ - l⁺
dL/dτ_mem = Σₖ ∫[tₖ, tₖ₊₁] V̇ λ_V dt
dL/dτ_syn = Σₖ ∫[tₖ, tₖ₊₁] İ λ_I dt
dL/dθ = Σₖ 1/(V̇⁻)ₙ · [τ_mem (V̇⁺)ₙ (λ_V⁺)ₙ + Σₘ wₘₙ ((λ_V⁺)ₘ - (λ_I⁺)ₘ) + ∂l_p/∂tₖ + l⁻ - l⁺]
dL/dv_reset = -τ_mem Σₖ (λ_V⁺)ₙ
dL/dV0 = -τ_mem λ_V
dL/dI0 = -τ_syn λ_I
"""
"""What a person would write."""


@pytest.fixture(scope="module")
def lif() -> Document:
    return made("lif")


@pytest.fixture(scope="module")
def loss() -> Document:
    return made(LOSS)


def test_table_2_is_printed_as_a_person_would_write_it():
    """The source's Table 2, in general and for a reset to zero, and the gradient of everything."""
    assert write("lif", "text").startswith(TABLE_2)


def test_a_derivation_prints_as_its_table():
    """``print(saltus.adjoint(...))`` is what the command line prints."""
    assert table2_text(adjoint(load("lif"))) == write("lif", "text")


@pytest.mark.parametrize("page", [markdown_page, latex_page, html_page, json_text])
def test_every_step_is_in_every_form(page, lif):
    """No label of the derivation is lost, and every number of the source that it carries is cited."""
    text = page(lif).replace(r"\_", "_")
    for label in adjoint(load("lif")):
        assert label in text
    for step in lif.steps:
        assert all(number in text for number in step.numbers)


@pytest.mark.parametrize(
    "page, proved",
    [
        (markdown_page, r"\*\*proved\*\*$"),
        (latex_page, r"^\\step\{.*\{proved\}$"),
        (html_page, r'<span class="status proved">proved</span>'),
        (json_text, r'"status": "proved"'),
    ],
)
def test_proved_stands_where_it_was_proved_and_nowhere_else(page, proved, lif):
    """As many times as there are proofs; not for definitions."""
    count = sum(step.status == "proved" for step in lif.steps)
    assert 0 < count < len(lif.steps)
    assert len(re.findall(proved, page(lif), re.MULTILINE)) == count


def test_a_wrong_step_is_not_called_proved():
    """A jump with a sign turned says NOT PROVED in every form, and the table names it."""
    derivation = adjoint(load("lif"))
    jump = derivation["jump.emission"]
    wrong = derivation.replaced(replace(jump, rhs=-jump.rhs))
    steps = steps_of(wrong, [jump.label], names_of(wrong))
    assert [step.status for step in steps] == ["not proved"]
    section = report_document.Section("wrong", "Wrong", "", steps=steps)
    page = Document("lif", "LIF", "source", "prose", (section,))
    for write_page in (markdown_page, latex_page, html_page):
        assert "NOT PROVED" in write_page(page)
    assert "1 NOT PROVED" in page.summary
    assert "NOT PROVED: jump.emission" in table2_text(wrong)


@pytest.mark.parametrize("name", ["lif", "li", LOSS])
def test_html_is_well_formed_and_needs_no_network(name):
    """Parsed as XML; addresses are anchors of the page, and every anchor exists; nothing is run or loaded."""
    page = html_page(made(name))
    root = ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    elements = list(root.iter())
    names = {element.get("id") for element in elements}
    assert len([e for e in elements if e.get("id")]) == len(names - {None})
    for element in elements:
        assert element.tag.rpartition("}")[2] not in {"script", "link", "img", "iframe"}
        if (address := element.get("href")) is not None:
            assert address.startswith("#") and address[1:] in names
    addresses = set(re.findall(r"https?://[^\"<\s]+", page))
    assert addresses <= {NAMESPACE, "http://www.w3.org/1999/xhtml"}
    assert "url(" not in page and "@import" not in page


@pytest.mark.parametrize("name", ["lif", "li_max", LOSS])
def test_equations_and_the_c_lead_to_each_other(name):
    """Each labelled assignment of a known step is linked with it, both ways; and nothing points nowhere."""
    code = sources(name)
    page = html_page(made(name), code)
    root = ElementTree.fromstring(page.removeprefix("<!DOCTYPE html>\n"))
    names = {element.get("id") for element in root.iter()}
    addresses = [element.get("href") for element in root.iter() if element.get("href")]
    assert {address[1:] for address in addresses} <= names
    (listing,) = listings(code, anchors(made(name)))
    labelled = [line for part in listing.parts for line in part if line.label]
    assert len(labelled) >= 3
    (text,) = (source.text for source in code if source.file == listing.file)
    for line in labelled:
        assert line.text == text.split("\n")[line.number - 1]
        assert f"#{line.anchor}" in addresses
    led = {address.removeprefix("#") for address in addresses}
    assert {line.anchor for line in labelled} == set(places([listing]))
    assert all(f"{place.file}-{place.first}" in led for p in places([listing]).values() for place in p)


def test_an_assignment_leads_to_the_equation_of_its_own_state():
    """One label for all states in the C, one step for each in the document; receptors by their functions."""
    code = sources("ei")
    lines = [line for part in listings(code, anchors(made("ei")))[0].parts for line in part]
    led = {line.text.strip(): line.anchor for line in lines if line.label}
    for state in ("V", "I_exc", "I_inh"):
        (of_state,) = {a for text, a in led.items() if text.startswith(f"*lambda_{state}_next = -final_")}
        assert of_state == f"adjoint.terminal.{state}"
    assert led["*credit = lambda_V - lambda_I_exc; /* arrival.credit */"] == "arrival.credit.exc"
    assert led["*credit = -(lambda_V + lambda_I_inh); /* arrival.credit */"] == "arrival.credit.inh"


@pytest.mark.slow
@pytest.mark.parametrize("name", [*files.shipped("models"), *files.shipped("losses")])
def test_every_assignment_of_every_model_leads_to_its_equation(name):
    """No labelled line of C without an equation in the document."""
    lines = [
        line
        for listing in listings(sources(name), anchors(made(name)))
        for part in listing.parts
        for line in part
        if line.label
    ]
    assert lines
    assert [f"{line.number}: {line.label}" for line in lines if not line.anchor] == []


@pytest.mark.parametrize("name", ["lif", "li", LOSS])
def test_latex_is_balanced(name):
    """Braces, environments, brackets that stretch; and no letter that pdflatex does not know."""
    page = re.sub(r"\\[{}]", "", latex_page(made(name)))
    assert page.count("{") == page.count("}")
    assert page.count(r"\left") == page.count(r"\right")
    assert page.count(r"\Bigl") == page.count(r"\Bigr")
    for environment in set(re.findall(r"\\begin\{(\w+)\}", page)):
        assert page.count(rf"\begin{{{environment}}}") == page.count(rf"\end{{{environment}}}")
    assert all(ord(letter) < 128 for letter in page)


def test_links_between_equations_cite_the_source(lif):
    """(3:40) comes from the step before it and (3:37)."""
    step = next(step for step in lif.steps if step.numbers == ("3:40",))
    assert [link.cited for link in step.links] == ["reset.time.V", "3:37"]


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        (
            "lif_refractory",
            (
                "in held:                          t_ref after     λ⁻ = λ⁺",
                "τ_mem λ_V′ = -∂l/∂V               held began      ∂L/∂t_held = τ_mem (V̇⁺)ⱼ (λ_V⁺)ⱼ"
                " - τ_mem (V̇⁻)ⱼ (λ_V⁺)ⱼ",
                "dL/dτ_syn += Σ[intervals in held] ∫[tₖ, tₖ₊₁] İ λ_I dt",
            ),
        ),
        (
            "lif_delta",
            (
                "an arrival lifts the   (λ_V⁻)ⱼ = 0",
                "guard over zero        ∂L/∂t_in = τ_mem (V̇⁺)ⱼ (λ_V⁺)ⱼ + ∂l_p/∂tₖ + l⁻ - l⁺",
            ),
        ),
        (
            "li_max",
            (
                "a maximum inside a stretch   (λ_V⁻)ⱼ = (λ_V⁺)ⱼ - 1/τ_mem · ∂H/∂M",
                "∂L/∂t_in = (V̇⁻)ⱼ ∂H/∂M",
            ),
        ),
    ],
)
def test_the_table_shows_phases_triggered_spikes_and_maxima(name, lines):
    """Dynamics for each phase, when it ends, what an arrival sets off, and where a maximum is taken up."""
    table = write(name, "text")
    for line in lines:
        assert line in table
    assert "NOT PROVED" not in table


def test_no_step_is_in_a_chapter_of_leftovers():
    """Each step of each kind of model has its place."""
    for name in ("lif_refractory", "lif_delta", "li_max", "adex"):
        titles = [section.title for section in made(name).sections]
        assert "Other steps" not in titles
        assert len(set(titles)) == len(titles)


def test_the_readouts_say_where_their_derivatives_enter():
    """Spike times in the jump, integrals in the running loss, states as a kick."""
    page = markdown_page(made("li"))
    assert r"$\frac{\partial l}{\partial V} += \frac{\partial H}{\partial \mathrm{sum}_{V}}$" in page
    assert r"$\lambda_{V}(T) = -\frac{1}{\tau_{\mathrm{mem}}} \, \frac{\partial H}{\partial V(T)}$" in page


def test_errata_say_what_is_wrong(lif):
    """(3:34) as the source prints it is shown beside the right form."""
    step = next(step for step in lif.steps if "3:34" in step.numbers)
    assert step.erratum is not None and "k-1" in step.erratum.reason
    assert "The source differs" in html_page(lif)


def test_the_loss_of_the_source_is_there_line_by_line(loss):
    """(25) to (31), each proved; another loss has no such section."""
    lines = [step for step in loss.steps if step.label.startswith("5.1:")]
    assert [step.label for step in lines] == [f"5.1:{n}" for n in range(25, 32)]
    assert all(step.status == "proved" for step in lines)


def test_json_is_for_machines(lif):
    """Label, number, status, formula and premises of each step."""
    steps = {step["label"]: step for step in json.loads(json_text(lif))["steps"]}
    jump = steps["jump.emission"]
    assert jump["source"] == ["3:52a"] and jump["status"] == "proved" and jump["from"] == ["choice.n.V"]
    assert jump["latex"].startswith(r"\left(\lambda_{V}^-\right)_{n} =")


def test_documents_do_not_depend_on_the_moment():
    """The same bytes twice."""
    assert write("li", "markdown") == write("li", "markdown")


def test_renamed_symbols_are_written_alike():
    """Nothing in the writing knows V or I: it goes by the part that a symbol plays."""
    names = {"V": "U", "I": "J"}
    derivation = adjoint(load("lif"))
    mine = names_of(derivation)
    other = replace(mine, states=tuple(names[state] for state in mine.states))
    for label in ("collect", "xi.collected", "jump.emission", "reset.velocity.V"):
        equation = derivation[label]
        symbols = equation.lhs.free_symbols | equation.rhs.free_symbols
        onto = {s: type(s)(_renamed(s.name), **s.assumptions0) for s in symbols}
        renamed = relation(equation.lhs.xreplace(onto), equation.rhs.xreplace(onto), other)
        plain = relation(equation.lhs, equation.rhs, mine)
        assert relation_text(renamed) == _renamed(relation_text(plain))


def _renamed(text: str) -> str:
    return text.replace("V", "U").replace("I", "J").replace("İ", "J̇")


def test_notebooks_get_the_table():
    """HTML that parses, and LaTeX between dollar signs."""
    derivation = adjoint(load("lif"))
    assert ElementTree.fromstring(table2_html(derivation)).tag == "div"
    latex = table2_latex(derivation)
    assert latex.startswith("$") and latex.endswith("$") and r"\theta" in latex
    assert derivation._repr_html_() == table2_html(derivation)
    assert derivation._repr_latex_() == latex
    table = table_2(derivation)
    assert ElementTree.fromstring(table._repr_html_()).tag == "div"
    assert table._repr_latex_() == latex
    assert derivation["3:52a"]._repr_latex_().startswith(r"$\displaystyle")


def test_signs_and_brackets():
    """A minus stands before a fraction, a sum in a bracket."""
    reading = names_of(adjoint(load("lif")))
    a, b, c = (Symbol(name, real=True) for name in ("a", "b", "c"))
    assert relation_latex(relation(a, -b / c, reading)) == r"a = -\frac{b}{c}"
    assert relation_text(relation(a, -(b - c) / a, reading)) in {"a = -(b - c)/a", "a = (c - b)/a"}


def test_an_unknown_command_is_not_set():
    """A formula is set right or not at all."""
    with pytest.raises(ValueError, match="not known"):
        math(r"\unknown{x}")


def test_names_and_forms_that_do_not_exist():
    """One sentence with the place, one with the way out."""
    with pytest.raises(SpecError, match="is not among the shipped models and losses"):
        write("liff", "text")
    with pytest.raises(SpecError, match="is not a form"):
        write("lif", "pdf")


@pytest.mark.parametrize(
    ("model", "terms"),
    [
        ("resonator", ["+ Σₘ gain wₘₙ (λ_V⁺)ₘ - Σₘ wₘₙ (λ_I⁺)ₘ"]),
        (
            "lif_conductance",
            ["[Σ_q τ_mem (V̇⁺)_q (λ_V⁺)_q + Σₘ τ_mem (V̇⁺)ₘ (λ_V⁺)ₘ", "- Σₘ τ_mem (V̇⁻)ₘ (λ_V⁺)ₘ"],
        ),
    ],
)
def test_each_term_of_a_target_has_its_sum(model, terms):
    """Wherever the weight stands in it, and where the weight is in a velocity alone."""
    written = write(model, "text")
    theta = next(line for line in written.partition("Gradients")[2].split("\ndL/d") if line.startswith("θ"))
    assert all(term in " ".join(theta.split()) for term in terms)


def test_the_readme_shows_this_table():
    """The table in the README is the one that is printed."""
    readme = Path(__file__).parents[2] / "README.md"
    shown = re.search(r"```\n(Free dynamics.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    assert shown is not None and shown[1] in TABLE_2
