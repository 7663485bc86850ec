"""``python -m saltus``."""

from saltus.runtime.cli import main

main()
