"""Norse: the same network on a grid of 1 ms, surrogate gradients by autograd, float32."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from contestant import Outcome, serve
from norse.torch import LICell, LIFParameters, LIFRecurrentCell, LIParameters
from speech import CLASSES, HIDDEN, INPUTS, STEP, TAU_MEM, TAU_SYN, Speech


def build(task: Speech, batch: int, threads: int) -> Callable[[], Outcome]:
    torch.set_num_threads(threads)
    tau = {"tau_mem_inv": torch.tensor(1 / TAU_MEM), "tau_syn_inv": torch.tensor(1 / TAU_SYN)}
    hidden = LIFRecurrentCell(INPUTS, HIDDEN, p=LIFParameters(v_th=torch.tensor(1.0), **tau), dt=STEP)
    readout = LICell(p=LIParameters(**tau), dt=STEP)
    w_out = torch.tensor(task.w_out, dtype=torch.float32, requires_grad=True)
    with torch.no_grad():
        hidden.input_weights.copy_(torch.tensor(task.w_in.T))
        hidden.recurrent_weights.copy_(torch.tensor(task.w_rec.T))
    inputs = torch.from_numpy(task.dense(batch))
    labels = torch.from_numpy(task.labels[:batch].astype(np.int64))

    def step() -> Outcome:
        hidden.zero_grad()
        w_out.grad = None
        state = out_state = None
        total = torch.zeros(batch, CLASSES)
        counted = torch.zeros(())
        for x in inputs:
            spikes, state = hidden(x, state)
            v, out_state = readout(spikes @ w_out, out_state)
            total = total + v
            counted = counted + spikes.detach().sum()
        loss = torch.nn.functional.cross_entropy(total, labels)
        loss.backward()  # type: ignore[no-untyped-call]
        return Outcome(float(loss), int(counted), hidden.input_weights.grad.T)

    return step


if __name__ == "__main__":
    serve(Speech.load, build, "norse", "torch")
