"""Models: the shipped ones, from ``generated/``, and a person's own, derived once and kept in the cache."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from saltus.errors import SpecError
from saltus.runtime import cache
from saltus.templates.ir import AnyLoss, ModelIR, dump

if TYPE_CHECKING:
    from saltus.derive.derivation import Derivation
    from saltus.derive.loss_spec import LossSpec
    from saltus.derive.model import ModelSpec
    from saltus.derive.train_loss import TrainLossSpec


@dataclass(frozen=True)
class Model:
    """A model that can be simulated.

    Attributes:
        ir: its equations, jumps, adjoint and gradients.
        spec: where they came from: a shipped name, a path, or the content of a spec.
    """

    ir: ModelIR
    spec: str | Path | Mapping[str, Any]

    @property
    def name(self) -> str:
        """The name in its spec."""
        return self.ir.name

    @property
    def spikes(self) -> bool:
        """Whether it sends spikes."""
        return any(emission.emits for emission in self.ir.emissions)

    def __repr__(self) -> str:
        parameters = ", ".join(f"{p.name}={p.default:g}" for p in self.ir.parameters)
        return f"Model({self.name!r}: {self.ir.title}; {parameters})"


def adjoint(spec: str | Path | Mapping[str, Any] | Model) -> Derivation:
    """The derivation of a model's adjoint, step by step; loads SymPy.

    Raises:
        SpecError: if there is no such model, or its spec is wrong.
        DerivationError: if the model has no adjoint of the kind derived here.
    """
    from saltus.derive import adjoint

    if isinstance(spec, Model):
        spec = spec.spec
    _check(spec, "model")
    return adjoint(model_spec(spec))


def model(spec: str | Path | Mapping[str, Any] | Model) -> Model:
    """A model by its shipped name, the path of a ``.toml`` spec, or a spec's content.

    A shipped model needs no SymPy. Another is derived the first time, and read from the cache after that.

    Raises:
        SpecError: if there is no such model, or its spec is wrong.
        DerivationError: if the model has no adjoint of the kind derived here.
    """
    if isinstance(spec, Model):
        return spec
    _check(spec, "model")
    if isinstance(spec, str) and not spec.endswith(".toml"):
        return Model(_shipped("models", spec, _folder(spec), ModelIR), spec)
    return Model(_derived(spec, "models", ModelIR), spec)


def loss_ir(spec: str | Path | Mapping[str, Any]) -> AnyLoss:
    """A loss by its shipped name, the path of a ``.toml`` spec, or a spec's content.

    Raises:
        SpecError: if there is no such loss, or its spec is wrong.
    """
    _check(spec, "loss")
    if isinstance(spec, str) and not spec.endswith(".toml"):
        found: AnyLoss = _shipped("losses", spec, _folder("losses").joinpath(spec), AnyLoss)
        return found
    derived: AnyLoss = _derived(spec, "losses", AnyLoss)
    return derived


def _check(spec: object, what: str) -> None:
    """Raises ``SpecError`` for what can be no spec."""
    if not isinstance(spec, str | Path | Mapping):
        raise SpecError(f"{what}: {spec!r} is no spec. Give a shipped name, a path, or a spec as a dict.")


def shipped(kind: str) -> tuple[str, ...]:
    """The names of the shipped ``models`` or ``losses``."""
    folder = _generated() if kind == "models" else _folder("losses")
    if not folder.is_dir():
        return ()
    return tuple(sorted(entry.name for entry in folder.iterdir() if entry.joinpath("ir.json").is_file()))


def _generated() -> Traversable:
    return resources.files("saltus.generated")


def _folder(name: str) -> Traversable:
    return _generated().joinpath(name)


def _shipped(kind: str, name: str, folder: Traversable, ir: Any) -> Any:
    file = folder.joinpath("ir.json")
    if not name.isidentifier() or not file.is_file():
        names = ", ".join(shipped(kind)) or "none: run saltus emit"
        raise SpecError(
            f"{name!r} is not among the shipped {kind} ({names}). Give one of these, or a path "
            "that ends in .toml."
        )
    try:
        return msgspec.json.decode(file.read_bytes(), type=ir)
    except msgspec.DecodeError as error:
        raise SpecError(f"{file} is not of this version ({error}). Run saltus emit.") from None


def _derived(spec: str | Path | Mapping[str, Any], kind: str, ir: Any) -> Any:
    """The IR of a person's own spec, from the cache where the same spec was derived by the same code."""
    if isinstance(spec, Mapping):
        text = msgspec.json.encode(spec, order="sorted", enc_hook=str)
    else:
        try:
            text = Path(spec).read_bytes()
        except OSError as error:
            raise SpecError(f"{spec} cannot be read ({error.strerror}). Give the path of a spec.") from error
    name = f"{kind}/{hashlib.sha256(text + _derive_code()).hexdigest()[:40]}"

    def build(target: Path) -> None:
        (target / "ir.json").write_bytes(dump(_derive(spec, kind)))

    return msgspec.json.decode((cache.entry(name, build) / "ir.json").read_bytes(), type=ir)


def _derive(spec: str | Path | Mapping[str, Any], kind: str) -> ModelIR | AnyLoss:
    """Runs the whole derivation, with SymPy."""
    from saltus.derive.any_loss import lower_loss
    from saltus.derive.lower import lower

    return lower(model_spec(spec)) if kind == "models" else lower_loss(_loss_spec(spec))


def model_spec(spec: str | Path | Mapping[str, Any]) -> ModelSpec:
    """The parsed spec of a model; loads SymPy."""
    from saltus.derive import spec as specs

    return specs.from_dict(spec) if isinstance(spec, Mapping) else specs.load(spec)


def _loss_spec(spec: str | Path | Mapping[str, Any]) -> LossSpec | TrainLossSpec:
    from saltus.derive import any_loss

    return any_loss.from_dict(spec) if isinstance(spec, Mapping) else any_loss.load(spec)


def _derive_code() -> bytes:
    """A digest of the deriving code, so that a change of it is not hidden by what the cache holds."""
    digest = hashlib.sha256()
    for package in ("saltus.derive", "saltus.templates"):
        for entry in sorted(resources.files(package).iterdir(), key=lambda entry: entry.name):
            if entry.name.endswith(".py"):
                digest.update(entry.read_bytes())
    return digest.digest()
