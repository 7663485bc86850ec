"""Derivations written for a reader: Table 2 in a terminal, and the whole as Markdown, LaTeX, HTML or JSON.

``write`` is what ``saltus derive`` and ``saltus emit`` call. Everything here is a pure function of the spec:
the same text on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from saltus.derive import any_loss, files, spec
from saltus.derive.derivation import Derivation
from saltus.derive.loss_spec import LossSpec
from saltus.derive.report_code import Source
from saltus.derive.report_document import Document
from saltus.derive.report_loss import loss_document
from saltus.derive.report_model import model_document
from saltus.derive.report_pages import html_page, json_text, latex_page, loss_text, markdown_page, table_html
from saltus.derive.report_pages import table_latex as _table_latex
from saltus.derive.report_summary import summary
from saltus.derive.report_tables import table_2
from saltus.derive.report_trains import train_document
from saltus.derive.train_loss import TrainLossSpec
from saltus.errors import SpecError

_PAGES: dict[str, Callable[[Document], str]] = {
    "markdown": markdown_page,
    "latex": latex_page,
    "json": json_text,
}
FORMATS = ("text", "html", *_PAGES)


def write(name: str, form: str, code: Sequence[Source] = ()) -> str:
    """The derivation of a model or a loss (a shipped name, or a path to a spec) in one of ``FORMATS``.

    ``text`` is Table 2 alone; the other forms are the whole derivation, ``html`` with the C that it became.

    Raises:
        SpecError: if there is no such model, loss or form, or the spec is wrong.
        DerivationError: if the model has no adjoint of the kind derived here.
    """
    if form not in FORMATS:
        raise SpecError(f'"{form}" is not a form of a derivation.\nChoose one of: {", ".join(FORMATS)}.')
    if form == "text" and not is_loss(name):
        return summary(_derivation(name))
    made = document(name)
    if form == "html":
        return html_page(made, code)
    return loss_text(made) if form == "text" else _PAGES[form](made)


def document(name: str) -> Document:
    """The derivation of a model or a loss as a document, each step proved while it is made."""
    if is_loss(name):
        return _loss_document(any_loss.load(name), _called(name))
    return model_document(spec.load(name), _called(name))


def _loss_document(loss: LossSpec | TrainLossSpec, name: str) -> Document:
    return train_document(loss, name) if isinstance(loss, TrainLossSpec) else loss_document(loss, name)


def table2_text(derivation: Derivation) -> str:
    """Table 2 of a derivation in Unicode, each of its lines proved again."""
    return summary(derivation)


def table2_html(derivation: Derivation) -> str:
    """Table 2 of a derivation as an HTML fragment with MathML, for notebooks."""
    return table_html(derivation.title, table_2(derivation))


def table2_latex(derivation: Derivation) -> str:
    """Table 2 of a derivation in LaTeX mathematics, for notebooks."""
    return _table_latex(table_2(derivation))


def is_loss(name: str) -> bool:
    """Whether a shipped name or a path is that of a loss.

    Raises:
        SpecError: if there is neither a model nor a loss of that name, or no such file.
    """
    if Path(name).suffix == ".toml":
        text, origin = files.read("models", name)
        return "loss" in files.toml(text, origin)
    models, losses = files.shipped("models"), files.shipped("losses")
    if name not in (*models, *losses):
        raise SpecError(
            f'"{name}" is not among the shipped models and losses.\n'
            f"Give a path that ends in .toml, or one of: {', '.join((*models, *losses))}."
        )
    return name in losses


def _derivation(name: str) -> Derivation:
    from saltus.derive.gradient import adjoint

    return adjoint(spec.load(name))


def _called(name: str) -> str:
    return Path(name).name
