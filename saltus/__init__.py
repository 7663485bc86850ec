"""Exact, proved gradients for systems that flow and jump."""

from pathlib import Path as _Path

_root = _Path(__file__).resolve().parent
if not (_root / "derive").is_dir():  # a checkout without symlink support: the stages lie beside this folder
    __path__.append(str(_root.parent))

__version__ = "0.1.0"
