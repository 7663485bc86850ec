"""snnTorch: the same network on a grid of 1 ms, surrogate gradients by autograd, float32."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import snntorch
import torch
from contestant import Outcome, serve
from snntorch import surrogate
from speech import CLASSES, HIDDEN, STEP, TAU_MEM, TAU_SYN, Speech


def build(task: Speech, batch: int, threads: int) -> Callable[[], Outcome]:
    torch.set_num_threads(threads)
    alpha, beta = float(np.exp(-STEP / TAU_SYN)), float(np.exp(-STEP / TAU_MEM))
    gain = (beta - alpha) * TAU_SYN / (TAU_MEM - TAU_SYN)
    w_in, w_rec, w_out = (
        torch.tensor(w * gain, dtype=torch.float32, requires_grad=True)
        for w in (task.w_in, task.w_rec, task.w_out)
    )
    neuron = snntorch.Synaptic(
        alpha=alpha, beta=beta, spike_grad=surrogate.fast_sigmoid(), reset_mechanism="zero"
    )
    readout = snntorch.Synaptic(alpha=alpha, beta=beta, reset_mechanism="none")
    inputs = torch.from_numpy(task.dense(batch))
    labels = torch.from_numpy(task.labels[:batch].astype(np.int64))

    def step() -> Outcome:
        for weights in (w_in, w_rec, w_out):
            weights.grad = None
        syn = mem = spikes = torch.zeros(batch, HIDDEN)
        out_syn = out_mem = total = torch.zeros(batch, CLASSES)
        counted = torch.zeros(())
        for x in inputs:
            spikes, syn, mem = neuron(x @ w_in + spikes @ w_rec, syn, mem)
            _, out_syn, out_mem = readout(spikes @ w_out, out_syn, out_mem)
            total = total + out_mem
            counted = counted + spikes.detach().sum()
        loss = torch.nn.functional.cross_entropy(total, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        return Outcome(float(loss), int(counted), w_in.grad)

    return step


if __name__ == "__main__":
    serve(Speech.load, build, "snntorch", "torch")
