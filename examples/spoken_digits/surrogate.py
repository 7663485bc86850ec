"""The same network with surrogate gradients in PyTorch, on a grid, for comparison with train.py.

    python examples/spoken_digits/surrogate.py FOLDER [--epochs 40] [--step 2e-3]

As many neurons of the same kind, the same data, augmentation, batches, optimiser and schedule; the slope
of the surrogate (SuperSpike, Zenke & Ganguli 2018) and the learning rate are its own. Needs PyTorch.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from train import CHANNELS, CLASSES, HIDDEN, HORIZON, Augmentation, read

from saltus.runtime.data import Dataset

TAU_MEM, TAU_SYN, SLOPE = 20e-3, 5e-3, 10.0


class Spike(torch.autograd.Function):
    """A step forward, and backward the derivative of a fast sigmoid."""

    @staticmethod
    def forward(context: Any, above: torch.Tensor) -> torch.Tensor:
        context.save_for_backward(above)
        return (above > 0).float()

    @staticmethod
    def backward(context: Any, gradient: torch.Tensor) -> torch.Tensor:
        (above,) = context.saved_tensors
        return gradient / (SLOPE * above.abs() + 1.0) ** 2


class Network:
    """Weights drawn as in train.py."""

    def __init__(self, seed: int, step: float) -> None:
        random = np.random.default_rng(seed)
        self.step = step
        shapes = ((CHANNELS, HIDDEN, 0.005, 0.12), (HIDDEN, HIDDEN, 0.0, 0.02))
        drawn = [random.normal(mean, std, (rows, columns)) for rows, columns, mean, std in shapes]
        drawn.append(random.normal(0.0, 0.1 / np.sqrt(HIDDEN), (HIDDEN, CLASSES)))
        self.weights = [torch.tensor(w, dtype=torch.float32, requires_grad=True) for w in drawn]

    def __call__(self, data: Dataset) -> torch.Tensor:
        """The readouts' integrals, (samples, classes), with the exact propagators of the step."""
        steps = round(HORIZON / self.step)
        counts = np.zeros((steps, len(data), CHANNELS), np.float32)
        at = np.minimum((data.spikes.times / self.step).astype(int), steps - 1)
        np.add.at(counts, (at, data.spikes.samples(), data.spikes.neurons), 1.0)
        w_in, w_rec, w_out = self.weights
        v_stays, i_stays = np.exp(-self.step / TAU_MEM), np.exp(-self.step / TAU_SYN)
        gives = TAU_SYN / (TAU_MEM - TAU_SYN) * (v_stays - i_stays)
        arriving = torch.from_numpy(counts) @ w_in
        v = i = spikes = torch.zeros(len(data), HIDDEN)
        out_v = out_i = total = torch.zeros(len(data), CLASSES)
        for arrived in arriving:
            i = i + arrived + spikes @ w_rec
            v, i = v * v_stays + i * gives, i * i_stays
            spikes = Spike.apply(v - 1.0)
            v = v * (1.0 - spikes.detach())
            out_i = out_i + spikes @ w_out
            out_v, out_i = out_v * v_stays + out_i * gives, out_i * i_stays
            total = total + out_v * self.step
        return 100.0 * total


def accuracy(net: Network, data: Dataset) -> float:
    with torch.no_grad():
        parts = [data.take(np.arange(i, min(i + 64, len(data)))) for i in range(0, len(data), 64)]
        right = sum(int((net(part).argmax(1).numpy() == part.labels).sum()) for part in parts)
    return right / len(data)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--step", type=float, default=2e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    train, validation, test = (
        read(arguments.folder / f"{part}.npz") for part in ("train", "validation", "test")
    )
    net, augment = Network(arguments.seed, arguments.step), Augmentation()
    optimiser = torch.optim.Adam(net.weights, lr=arguments.lr)
    best = (0.0, 0.0)
    for epoch in range(arguments.epochs):
        started = time.perf_counter()
        optimiser.param_groups[0]["lr"] = arguments.lr * (1.0 - epoch / arguments.epochs)
        order = np.random.default_rng((arguments.seed, epoch)).permutation(len(train))
        for first in range(0, len(order), 32):
            random = np.random.default_rng((arguments.seed, epoch, first))
            batch = augment(train.take(order[first : first + 32]), random)
            loss = torch.nn.functional.cross_entropy(net(batch), torch.from_numpy(batch.labels).long())
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        found = accuracy(net, validation)
        best = max(best, (found, accuracy(net, test)) if found > best[0] else best)
        seconds = time.perf_counter() - started
        print(f"{epoch + 1}: loss {float(loss):.3f}, validation {found:.3f}, {seconds:.0f} s", flush=True)
    print(f"best validation {best[0]:.3f}, test {best[1]:.3f}")


if __name__ == "__main__":
    main()
