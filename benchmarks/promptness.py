"""What a user waits for: ``python benchmarks/promptness.py`` prints seconds, the best of a few tries.

Import beyond NumPy's own, derivation and emission of ``lif``, its first compilation for a feed-forward layer,
and loading the result.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

IMPORT = "import time, numpy; start = time.perf_counter(); import saltus; print(time.perf_counter() - start)"
DERIVE = """
import time
start = time.perf_counter()
from saltus.derive.lower import lower
from saltus.derive.spec import load
from saltus.templates.render import event_unit
event_unit(lower(load("lif")))
print(time.perf_counter() - start)
"""
LOAD = """
import time
import saltus
from saltus.runtime.kernel import GroupKind, event_kernel
model = saltus.model("lif").ir
start = time.perf_counter()
event_kernel(model, GroupKind(flow_shared=True, recurrent=False, lined=False))
print(time.perf_counter() - start)
"""


def seconds(program: str, cache: Path) -> float:
    """What the program prints, with a cache of its own."""
    environment = os.environ | {"SALTUS_CACHE_DIR": str(cache)}
    command = [sys.executable, "-c", program]
    return float(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)


def main() -> None:
    """Measures and prints the four."""
    with tempfile.TemporaryDirectory() as folder:
        caches = [Path(folder) / str(attempt) for attempt in range(3)]
        rows = {
            "import saltus, beyond NumPy": min(seconds(IMPORT, caches[0]) for _ in range(5)),
            "derive and emit lif": min(seconds(DERIVE, caches[0]) for _ in range(2)),
            "emit and compile lif for a layer": min(seconds(LOAD, cache) for cache in caches),
            "load it from the cache": min(seconds(LOAD, caches[0]) for _ in range(5)),
        }
    for name, value in rows.items():
        print(f"{name:34s} {value:8.3f} s")


if __name__ == "__main__":
    main()
