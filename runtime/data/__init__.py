"""Data sets: made by formula or read from files, encoded as spikes."""

from saltus.runtime.data.dataset import Dataset, Split
from saltus.runtime.data.digits import Latency, digits
from saltus.runtime.data.files import load_dataset, save_dataset
from saltus.runtime.data.yin_yang import CLASSES, Encoding, classify, sample, yin_yang

__all__ = [
    "CLASSES",
    "Dataset",
    "Encoding",
    "Latency",
    "Split",
    "classify",
    "digits",
    "load_dataset",
    "sample",
    "save_dataset",
    "yin_yang",
]
