"""From sound to spikes: a cochlea, hair cells and a cochlear nucleus, 700 channels.

- cochlea: gammatone filters of order 4 on the ERB scale (Patterson et al. 1987; Glasberg & Moore 1990),
  applied as their transfer functions;
- hair cells: the transmitter pools of Meddis (1986), with the parameters of a fibre of medium spontaneous
  rate (Meddis, Hewitt & Shackleton 1990);
- cochlear nucleus: in each channel one bushy cell, a leaky integrator with a threshold that hears 40
  fibres and spikes when they agree, as in the Spiking Heidelberg Digits (Cramer et al. 2020).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import fft

CHANNELS, SAMPLE_RATE = 700, 16_000
LOWEST, HIGHEST = 50.0, 7000.0
"""Centre frequencies, Hz."""
LEVEL = 78.0
"""Of every word, dB; the hair cells take an amplitude of 1 (root mean square) as 30 dB."""

A, B, G, Y, L, R, X, M, H = 10.0, 3000.0, 1000.0, 5.05, 2500.0, 6580.0, 66.31, 1.0, 50_000.0
"""Meddis: permeability k = G (s + A)/(s + A + B), replenishment Y, loss L, return R, reprocessing X, pool M;
h: spikes for each unit of transmitter in the cleft."""

FIBRES, REST = 40, 1e-3
"""Hair cells a bushy cell, and its time without a second spike (s)."""
TAU, THRESHOLD, FRAME = 0.5e-3, 4.0, 0.25e-3
"""Of a bushy cell: its memory (s), the sum of fibre spikes it needs, and the step of its simulation (s)."""


def hear(
    wave: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """The spikes of a sound: times (s), ascending, and channels, low frequencies first."""
    rates = release(basilar_membrane(at_level(wave)))
    return bushy_cells(rates, rng)


def at_level(wave: NDArray[np.float64]) -> NDArray[np.float64]:
    """The wave at ``LEVEL``."""
    return wave / np.sqrt(np.mean(wave**2)) * 10 ** ((LEVEL - 30.0) / 20.0)


def centres() -> NDArray[np.float64]:
    """Centre frequencies, evenly spaced on the ERB scale (Glasberg & Moore 1990)."""
    low, high = (21.4 * np.log10(1 + 0.00437 * f) for f in (LOWEST, HIGHEST))
    return (10 ** (np.linspace(low, high, CHANNELS) / 21.4) - 1) / 0.00437


def basilar_membrane(wave: NDArray[np.float64]) -> NDArray[np.float32]:
    """What each place of the membrane does, ``(channels, samples)``."""
    size = fft.next_fast_len(len(wave) + SAMPLE_RATE // 10, real=True)
    spectrum = fft.rfft(wave.astype(np.float32), size)
    frequencies = fft.rfftfreq(size, 1 / SAMPLE_RATE).astype(np.float32)
    centre = centres()[:, None].astype(np.float32)
    bandwidth = np.float32(1.019 * 24.7) * (np.float32(4.37e-3) * centre + 1)
    one = 1 / (1 + 1j * (frequencies - centre) / bandwidth)
    two = one * one
    moved: NDArray[np.float32] = fft.irfft(spectrum * two * two, size)[:, : len(wave)]
    return moved


def release(motion: NDArray[np.float32]) -> NDArray[np.float32]:
    """Expected spikes of one fibre in each frame, ``(frames, channels)``."""
    dt = np.float32(1 / SAMPLE_RATE)
    frame = round(FRAME * SAMPLE_RATE)
    driven = np.maximum(motion.T + np.float32(A), 0.0)
    permeability = np.float32(G) * driven / (driven + np.float32(B))
    at_rest = G * A / (A + B)
    cleft = np.full(motion.shape[0], M * Y * at_rest / (L * at_rest + Y * (L + R)), np.float32)
    free = cleft * np.float32((L + R) / at_rest)
    store = cleft * np.float32(R / X)
    steps = len(permeability) // frame * frame
    out = np.empty((steps, motion.shape[0]), np.float32)
    for i, k in enumerate(permeability[:steps]):
        let_go, lost, back, stored = k * free, L * cleft, R * cleft, X * store
        free = free + dt * (Y * np.maximum(M - free, 0.0) - let_go + stored)
        cleft = cleft + dt * (let_go - lost - back)
        store = store + dt * (back - stored)
        out[i] = cleft
    return np.float32(H * dt) * out.reshape(-1, frame, motion.shape[0]).sum(axis=1)


def bushy_cells(
    expected: NDArray[np.float32], rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """The spikes of the cells; within its frame a spike's time is random, so that times are not on a grid."""
    counts = rng.poisson(FIBRES * expected)
    potential = np.zeros(CHANNELS)
    resting = np.zeros(CHANNELS, int)
    times, channels = [], []
    for i, count in enumerate(counts):
        potential = potential * np.exp(-FRAME / TAU) + count
        spikes = np.flatnonzero((potential >= THRESHOLD) & (resting <= i))
        potential[spikes] = 0.0
        resting[spikes] = i + round(REST / FRAME)
        times.append((i + rng.uniform(size=len(spikes))) * FRAME)
        channels.append(spikes)
    time, channel = np.concatenate(times), np.concatenate(channels).astype(np.int32)
    order = np.argsort(time, kind="stable")
    return time[order], channel[order]
