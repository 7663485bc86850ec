"""Run by ``make wheel`` in an empty environment, outside the checkout: a shipped model and a new one."""

from pathlib import Path

import saltus

assert "site-packages" in Path(saltus.__file__).parts, f"{saltus.__file__} is not the installed package"
