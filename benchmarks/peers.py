"""The other tools, each in an environment of its own, so that their requirements cannot meet."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from platformdirs import user_cache_path

REQUIREMENTS = {
    "snntorch": ("snntorch==1.0.0", "torch==2.13.0", "numpy==2.4.6"),
    "norse": ("norse==1.1.0", "torch==2.13.0", "numpy==2.4.6"),
    "jaxsnn": ("jaxsnn==0.3.0", "jax==0.10.2", "jaxlib==0.10.2", "numpy==2.4.6"),
    "eventax": ("eventax==0.1.0", "diffrax==0.7.2", "equinox==0.13.8", "jax==0.10.2", "numpy==2.4.6"),
}


def python(peer: str) -> Path:
    """The interpreter of a peer's environment, there or not."""
    return user_cache_path("saltus-benchmarks") / peer / "bin" / "python"


def install(peer: str) -> None:
    """Makes the environment, unless it is there; raises ``subprocess.CalledProcessError`` if pip fails."""
    if python(peer).exists():
        return
    folder = python(peer).parent.parent
    try:
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run(
            [str(python(peer)), "-m", "pip", "install", "--quiet", *REQUIREMENTS[peer]], check=True
        )
    except subprocess.CalledProcessError:
        shutil.rmtree(folder, ignore_errors=True)
        raise
