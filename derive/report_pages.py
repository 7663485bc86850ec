"""Documents as pages: Jinja templates for Markdown, LaTeX and HTML, and JSON for machines."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import cache
from html import escape
from importlib import resources

import msgspec
from jinja2 import BaseLoader, Environment, FunctionLoader, StrictUndefined

from saltus.derive.report_code import Line, Source, listings, places
from saltus.derive.report_document import Document, Step, Table
from saltus.derive.report_latex import LINE, latex, relation_latex, relation_lines, relation_width, sign_of
from saltus.derive.report_layout import Relation
from saltus.derive.report_mathml import equation, math
from saltus.derive.report_prose import prose_html, prose_latex, prose_markdown, tex
from saltus.derive.report_tables import AdjointTable, as_tables
from saltus.derive.report_text import relation_text, wrapped

_TEMPLATES = "saltus.templates.report"


def html_page(document: Document, code: Sequence[Source] = ()) -> str:
    """One self-contained page: MathML, no script, nothing from a network; ``code`` is listed and linked."""
    css = resources.files(_TEMPLATES).joinpath("page.css").read_text(encoding="utf-8")
    listed = listings(code, anchors(document))
    page = _environment().get_template("page.html.jinja")
    return page.render(document=document, css=css, listings=listed, places=places(listed))


def anchors(document: Document) -> list[str]:
    """What a page can lead to: steps by their labels, and sections."""
    return [*(step.label for step in document.steps), *(f"section-{s.anchor}" for s in document.sections)]


def markdown_page(document: Document) -> str:
    """Markdown with ``math`` blocks, as GitHub and GitLab show them."""
    return _environment().get_template("page.md.jinja").render(document=document)


def latex_page(document: Document) -> str:
    """An article that needs amsmath and nothing else."""
    return _environment("<%", "<<", "<#").get_template("page.tex.jinja").render(document=document)


def json_text(document: Document) -> str:
    """Every step with its equation in text and LaTeX, for machines."""
    steps = [
        {
            "label": step.label,
            "source": list(step.numbers),
            "section": section.anchor,
            "status": step.status,
            "text": relation_text(step.relation),
            "latex": relation_latex(step.relation),
            "why": step.why,
            "from": [link.label for link in step.links],
        }
        for section in document.sections
        for step in section.steps
    ]
    whole = {"name": document.name, "title": document.title, "source": document.source, "steps": steps}
    return msgspec.json.format(msgspec.json.encode(whole), indent=2).decode() + "\n"


def loss_text(document: Document) -> str:
    """A loss in a terminal: its steps in Unicode."""
    lines = [f"{document.name}: {document.title}", ""]
    for section in document.sections[:1]:
        for step in section.steps:
            lines += [*wrapped(step.relation, 96), f"    {step.label}, {step.status}"]
    return "\n".join(lines)


def table_html(title: str, table: AdjointTable) -> str:
    """Table 2 with its gradients, as a fragment for a notebook."""
    template = _environment().get_template("tables.html.jinja")
    return template.render(title=title, tables=as_tables(table))


def table_latex(table: AdjointTable) -> str:
    """Table 2 with its gradients, as LaTeX mathematics between dollar signs."""
    cells = [part for row in table.rows for cell in row for part in cell]
    lines = [
        rf"&\text{{{tex(part)}}}" if isinstance(part, str) else _aligned(part)
        for part in (*cells, *table.gradients)
    ]
    body = " \\\\\n".join(lines)
    return f"$\\displaystyle\\begin{{aligned}}\n{body}\n\\end{{aligned}}$"


def _aligned(relation: Relation) -> str:
    left, lines = relation_lines(relation)
    first, *others = lines
    return " \\\\\n".join([f"{left} &{sign_of(relation)} {first}", *(rf"&\quad {line}" for line in others)])


@cache
def _environment(block: str = "{%", value: str = "{{", comment: str = "{#") -> Environment:
    """Jinja with these opening delimiters, closed by their mirror images: LaTeX has braces of its own."""
    mirror = str.maketrans("{<", "}>")
    environment = Environment(
        block_start_string=block,
        block_end_string=block[::-1].translate(mirror),
        variable_start_string=value,
        variable_end_string=value[::-1].translate(mirror),
        comment_start_string=comment,
        comment_end_string=comment[::-1].translate(mirror),
        loader=_loader(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters |= {
        "html": lambda value: escape(str(value)),
        "prose_html": prose_html,
        "prose_markdown": prose_markdown,
        "prose_latex": prose_latex,
        "tex": lambda value: tex(str(value)),
        "anchor": _anchor,
        "code": _code,
        "mathml": _mathml,
        "mathml_inline": lambda relation: math(_one_line(relation)),
        "latex": relation_latex,
        "latex_inline": _one_line,
        "cell_markdown": _cell_markdown,
        "wrap": lambda value: textwrap.fill(value, 116, break_long_words=False, break_on_hyphens=False),
    }
    environment.globals |= {
        "is_text": lambda value: isinstance(value, str),
        "badge": _badge,
        "column_lines": _column_lines,
    }
    return environment


def _loader() -> BaseLoader:
    folder = resources.files(_TEMPLATES)
    return FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8"))


def _anchor(label: str) -> str:
    return label.replace(":", "-").replace(" ", "-")


def _code(line: Line) -> str:
    """A line of C, its label linked with the equation."""
    text = escape(line.text, quote=False)
    if not line.anchor:
        return text
    label = escape(line.label, quote=False)
    return text.replace(f"/* {label} */", f'<a href="#{_anchor(line.anchor)}">/* {label} */</a>')


def _mathml(relation: Relation, line: int = LINE) -> str:
    left, lines = relation_lines(relation, line)
    return equation(left, sign_of(relation), lines)


_PAGE, _CELL, _LEAST = 84, 40, 28
"""Letters that fit side by side in a table, that a column takes at most, that the last gets at least."""


def _column_lines(table: Table) -> list[int]:
    """How long the lines of each column may be: the last takes what the others leave."""
    widths = [
        max((relation_width(p) for row in table.rows for p in row[i] if isinstance(p, Relation)), default=0)
        for i in range(len(table.columns) - 1)
    ]
    others = [min(width, _CELL) for width in widths]
    return [*([_CELL] * len(others)), max(_LEAST, _PAGE - sum(others))]


def _one_line(relation: Relation) -> str:
    return f"{latex(relation.left)} {sign_of(relation)} {latex(relation.right)}"


def _cell_markdown(cell: tuple[Relation | str, ...]) -> str:
    parts = [prose_markdown(p) if isinstance(p, str) else f"${_one_line(p)}$" for p in cell]
    return "<br>".join(part for part in parts if part)


def _badge(step: Step) -> str:
    """The class of a step's status in the page's CSS."""
    return step.status.replace(" ", "-")
