r"""The digits by surrogate gradients: the baseline of ``benchmarks/digits.py``, in PyTorch.

The network of ``examples/digits.toml`` on a grid of ``dt``, with the exact propagators of membrane and
synapse over a step. Spikes are at grid points, the derivative of the step function is replaced by that of the
fast sigmoid (SuperSpike, Zenke & Ganguli 2018),

.. math:: \frac{ds}{dV} := \frac{1}{(1 + \beta |V - \vartheta|)^2},

and none flows through the reset (Zenke & Vogels 2021). Weights are drawn by the same laws, Adam, its schedule
and the choice of the epoch are the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch

from saltus.runtime.data import Dataset, Split

TAU_MEM, TAU_SYN = 20e-3, 5e-3
INPUTS, CLASSES = 64, 10


class Spike(torch.autograd.Function):
    """A step forward, the derivative of a fast sigmoid backward."""

    @staticmethod
    def forward(ctx, excess, slope):
        ctx.save_for_backward(excess)
        ctx.slope = slope
        return (excess >= 0).to(excess.dtype)

    @staticmethod
    def backward(ctx, gradient):
        (excess,) = ctx.saved_tensors
        return gradient / (1 + ctx.slope * excess.abs()) ** 2, None


@dataclass
class Surrogate:
    """64 inputs, LIF neurons, 10 leaky integrators, with the loss over their maxima or integrals.

    hidden, readout: weights ``(pre, post)``; horizon, dt: seconds; slope: beta; loss: ``max`` or ``sum``;
    scale: before the softmax.
    """

    hidden: torch.Tensor
    readout: torch.Tensor
    horizon: float
    dt: float
    slope: float
    loss: str
    scale: float

    def __post_init__(self) -> None:
        self.steps = round(self.horizon / self.dt)
        self.decay_V, self.decay_I = math.exp(-self.dt / TAU_MEM), math.exp(-self.dt / TAU_SYN)
        self.from_I = TAU_SYN / (TAU_SYN - TAU_MEM) * (self.decay_I - self.decay_V)
        age = self.dt * (torch.arange(self.steps)[:, None] - torch.arange(self.steps))
        kernel = torch.exp(-age / TAU_SYN) - torch.exp(-age / TAU_MEM)
        self.response = torch.where(age >= 0, TAU_SYN / (TAU_SYN - TAU_MEM) * kernel, 0.0)

    def inputs(self, data: Dataset) -> torch.Tensor:
        """Spikes on the grid, ``(samples, steps, neurons)``."""
        spikes = data.spikes
        grid = torch.zeros(len(data), self.steps, spikes.size)
        step = np.rint(spikes.times / self.dt).astype(np.int64)
        grid[spikes.samples(), step, spikes.neurons.astype(np.int64)] = 1.0
        return grid

    def __call__(self, inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """What goes into the softmax ``(samples, classes)``; hidden spikes ``(samples, steps, hidden)``."""
        arriving = inputs @ self.hidden
        V = I = torch.zeros_like(arriving[:, 0])
        spikes = []
        for step in range(self.steps):
            spike = Spike.apply(V - 1.0, self.slope)
            spikes.append(spike)
            V = V * (1.0 - spike.detach())
            I = I + arriving[:, step]
            V, I = self.decay_V * V + self.from_I * I, self.decay_I * I
        hidden = torch.stack(spikes, dim=1)
        output = torch.einsum("ts,bsc->btc", self.response, hidden @ self.readout)
        found = output.amax(dim=1) if self.loss == "max" else self.dt * output.sum(dim=1)
        return self.scale * found, hidden


@dataclass(frozen=True)
class Score:
    """At the best epoch by validation, or the last without: validation accuracy and loss, test accuracy, and
    hidden spikes a sample.
    """

    validation: float
    loss: float
    test: float
    spikes: float


def train(net: Surrogate, data: Split, lr: tuple[float, float], batch: int, epochs: int, seed: int) -> Score:
    """Adam with a rate that falls linearly to zero."""
    weights = [net.hidden.requires_grad_(), net.readout.requires_grad_()]
    optimiser = torch.optim.Adam([{"params": [w], "lr": rate} for w, rate in zip(weights, lr, strict=True)])
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda epoch: 1 - epoch / epochs)
    inputs = [net.inputs(part) for part in data]
    labels = [torch.from_numpy(part.labels.astype(np.int64)) for part in data]
    best = Score(0.0, math.inf, 0.0, 0.0)
    for epoch in range(epochs):
        order = torch.from_numpy(np.random.default_rng((seed, epoch)).permutation(len(labels[0])))
        for chosen in order.split(batch):
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(net(inputs[0][chosen])[0], labels[0][chosen]).backward()
            optimiser.step()
        schedule.step()
        with torch.no_grad():
            (validation, _), (test, spikes) = net(inputs[1]), net(inputs[2])
        found = Score(
            _accuracy(validation, labels[1]),
            float(torch.nn.functional.cross_entropy(validation, labels[1])),
            _accuracy(test, labels[2]),
            float(spikes.sum() / len(spikes)),
        )
        best = (
            max(best, found, key=lambda score: (score.validation, -score.loss)) if len(labels[1]) else found
        )
    return best


def _accuracy(scores: torch.Tensor, labels: torch.Tensor) -> float:
    return float((scores.argmax(dim=1) == labels).double().mean())
