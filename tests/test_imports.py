"""Importing saltus is cheap: the derivation and its algebra are loaded when something new is derived."""

import ast
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEAVY = ("sympy", "mpmath", "matplotlib", "typer", "scipy", "torch", "saltus.derive")


def python(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_import_loads_nothing_heavy():
    loaded = python(f"import sys, saltus; print([m for m in {HEAVY!r} if m in sys.modules])")
    assert loaded == "[]"


def test_runtime_imports_the_derivation_inside_functions_only():
    """A shipped model runs without SymPy, and an import at a module's top would load it for everybody."""
    for file in sorted((ROOT / "runtime").rglob("*.py")):
        for node in _run_on_import(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{name}" for name in names]
            heavy = [name for name in names if name.startswith(("saltus.derive", "sympy"))]
            assert not heavy, f"{file.relative_to(ROOT)}:{node.lineno} imports {heavy}"


def _run_on_import(node: ast.AST):
    """The import statements that run when the module is imported: not in functions, nor for type checkers."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield child
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _run_on_import(child)
