"""Losses of either kind: a head over readouts, or a distance of spike trains."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from pathlib import Path

from saltus.derive import files, loss_spec, train_loss
from saltus.derive.head import lower_head
from saltus.derive.loss_spec import LossSpec
from saltus.derive.train_loss import TrainLossSpec, lower_train
from saltus.templates import ir


def load(loss: str | Path) -> LossSpec | TrainLossSpec:
    """The loss in a ``.toml`` file, or the shipped one of that name; raises ``SpecError`` if it is wrong."""
    text, origin = files.read("losses", loss)
    return from_dict(files.toml(text, origin), origin)


def from_dict(data: Mapping[str, object], origin: str = "loss") -> LossSpec | TrainLossSpec:
    """The loss that a dict with the content of a spec file describes; raises ``SpecError`` as ``load``."""
    if train_loss.is_train_loss(data):
        return train_loss.from_dict(data, origin)
    return loss_spec.from_dict(data, origin)


@singledispatch
def lower_loss(loss: LossSpec | TrainLossSpec) -> ir.AnyLoss:
    """The IR of a loss."""
    raise TypeError(f"{type(loss).__name__} is not a loss")


@lower_loss.register
def _(loss: LossSpec) -> ir.AnyLoss:
    return lower_head(loss)


@lower_loss.register
def _(loss: TrainLossSpec) -> ir.AnyLoss:
    return lower_train(loss)
