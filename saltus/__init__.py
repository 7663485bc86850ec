"""Exact, proved gradients for systems that flow and jump."""

from pathlib import Path as _Path

_root = _Path(__file__).resolve().parent
if not (_root / "derive").is_dir():  # a checkout without symlink support: the stages lie beside this folder
    __path__.append(str(_root.parent))

# ruff: noqa: E402  the stages can be imported from here on
from saltus.errors import (
    CompileError,
    ConfigError,
    DerivationError,
    EmitError,
    InputError,
    RunError,
    SaltusError,
    SpecError,
)
from saltus.runtime.config import Layer, Population, Projection
from saltus.runtime.data import digits, yin_yang
from saltus.runtime.initialise import FanIn, Normal, Uniform
from saltus.runtime.loss import Loss, loss
from saltus.runtime.losses.rate import rate_heuristic
from saltus.runtime.model import Model, adjoint, model
from saltus.runtime.network import Network
from saltus.runtime.optimiser import SGD, Adam
from saltus.runtime.result import Result
from saltus.runtime.spikes import Spikes
from saltus.runtime.target_rate import scale_to_rate
from saltus.runtime.trainer import Trainer

__version__ = "0.1.0"

__all__ = [
    "SGD",
    "Adam",
    "CompileError",
    "ConfigError",
    "DerivationError",
    "EmitError",
    "FanIn",
    "InputError",
    "Layer",
    "Loss",
    "Model",
    "Network",
    "Normal",
    "Population",
    "Projection",
    "Result",
    "RunError",
    "SaltusError",
    "SpecError",
    "Spikes",
    "Trainer",
    "Uniform",
    "adjoint",
    "digits",
    "loss",
    "model",
    "rate_heuristic",
    "scale_to_rate",
    "yin_yang",
]
