"""Data sets: made by formula or read from files, encoded as spikes."""

from saltus.runtime.data.dataset import Dataset
from saltus.runtime.data.yin_yang import CLASSES, Encoding, YinYang, classify, sample, yin_yang

__all__ = ["CLASSES", "Dataset", "Encoding", "YinYang", "classify", "sample", "yin_yang"]
