"""Spoken digits as spikes: twenty words (0 to 9 in English and German) from voices that differ between the
sets.

    python examples/spoken_digits/data.py FOLDER [--processes 2]

Writes train.npz, validation.npz and test.npz, as `saltus.runtime.data.load_dataset` reads them. The speech
is made by espeak-ng (Debian and Ubuntu: `apt install espeak-ng`); the ear is in ear.py. What is done is
kept word by word in FOLDER/words, so an interrupted run goes on where it was.

A voice is one of espeak-ng's variants, and no voice of one set speaks in another. Every voice says each
word at three speeds and two pitches.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import subprocess
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import gcd
from pathlib import Path

import numpy as np
from ear import CHANNELS, SAMPLE_RATE, hear
from numpy.typing import NDArray
from rich.progress import track
from scipy.signal import resample_poly

from saltus.runtime.data import Dataset, save_dataset
from saltus.runtime.spikes import Spikes

WORDS = {
    "en-us": ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
    "de": ("null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun"),
}
VOICES = {
    "train": ("m1", "m2", "m3", "m4", "m6", "f1", "f2", "f3", "Alex", "Andy", "adam", "linda"),
    "validation": ("m5", "f4"),
    "test": ("m7", "m8", "f5", "Annie", "belinda", "max"),
}
SPEEDS, PITCHES = (130, 160, 190), (35, 60)
LONGEST = 0.9
"""Seconds; what is left of a word after that is cut, and after 1 s the simulation ends."""


@dataclass(frozen=True)
class Utterance:
    """One word by one voice; ``label``: 0 to 9 in English, 10 to 19 in German."""

    label: int
    voice: str
    speed: int
    pitch: int

    @property
    def name(self) -> str:
        return f"{self.label:02d}-{self.voice}-{self.speed}-{self.pitch}"

    def sound(self) -> NDArray[np.float64]:
        """The wave at ``SAMPLE_RATE``, without silence before and after it."""
        language, number = list(WORDS)[self.label // 10], self.label % 10
        command = [
            "espeak-ng",
            "-v",
            f"{language}+{self.voice}",
            "-s",
            str(self.speed),
            "-p",
            str(self.pitch),
        ]
        spoken = subprocess.run(
            [*command, "--stdout", WORDS[language][number]], capture_output=True, check=True
        )
        rate = int.from_bytes(spoken.stdout[24:28], "little")
        wave = np.frombuffer(spoken.stdout[44:], "<i2").astype(float)  # a pipe's header knows no length
        common = gcd(rate, SAMPLE_RATE)
        wave = resample_poly(wave, SAMPLE_RATE // common, rate // common)
        loud = np.flatnonzero(np.abs(wave) > 0.02 * np.abs(wave).max())
        return wave[loud[0] : loud[-1] + 1][: round(LONGEST * SAMPLE_RATE)]


def utterances(part: str) -> list[Utterance]:
    """All that is said in one of the sets."""
    return [
        Utterance(label, *how)
        for how in itertools.product(VOICES[part], SPEEDS, PITCHES)
        for label in range(20)
    ]


def listen(job: tuple[Utterance, Path]) -> None:
    """Writes the spikes of one utterance; its random numbers depend on its name alone."""
    utterance, path = job
    rng = np.random.default_rng(zlib.crc32(utterance.name.encode()))
    times, channels = hear(utterance.sound(), rng)
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        np.savez_compressed(file, times=times, channels=channels)
    part.replace(path)


def gather(words: Path, part: str) -> Dataset:
    """The data set of one part."""
    samples, labels = [], []
    for utterance in utterances(part):
        with np.load(words / f"{utterance.name}.npz") as file:
            samples.append((file["times"], file["channels"]))
        labels.append(utterance.label)
    return Dataset(Spikes.from_events(samples, CHANNELS), np.array(labels, np.int32))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--processes", type=int, default=2)
    arguments = parser.parse_args()
    if shutil.which("espeak-ng") is None:
        raise SystemExit("espeak-ng is not installed. Install it, for example with `apt install espeak-ng`.")
    words = arguments.folder / "words"
    words.mkdir(parents=True, exist_ok=True)
    jobs = [(u, words / f"{u.name}.npz") for part in VOICES for u in utterances(part)]
    todo = [job for job in jobs if not job[1].exists()]
    with ProcessPoolExecutor(arguments.processes) as pool:
        for _ in track(pool.map(listen, todo, chunksize=4), "listening", total=len(todo)):
            pass
    for part in VOICES:
        data = gather(words, part)
        save_dataset(arguments.folder / f"{part}.npz", data)
        counts = np.diff(data.spikes.start)
        print(f"{part}: {len(data)} words, {np.median(counts):.0f} spikes (median), {counts.max()} at most")


if __name__ == "__main__":
    main()
