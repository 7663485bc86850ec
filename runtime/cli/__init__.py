"""The ``saltus`` command: ``derive``, ``check``, ``emit``, ``train``, ``gradient``,
``doctor`` and ``bench``."""


def main() -> None:
    """Runs the command line; the entry point of ``saltus`` and of ``python -m saltus``."""
    from saltus.runtime.cli.app import app

    app()
