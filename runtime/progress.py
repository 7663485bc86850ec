"""How a long training run shows itself: a bar in a terminal, nothing in a file or a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeAlias

from saltus.runtime.history import Epoch

Report: TypeAlias = Callable[[Epoch], None]
Progress: TypeAlias = Callable[[int, int], AbstractContextManager[Report]]
"""``progress(epochs, done)`` opens a display and yields what is to be called after each epoch."""


@contextmanager
def quiet(epochs: int, done: int) -> Iterator[Report]:
    """Shows nothing."""
    yield lambda epoch: None


@contextmanager
def bar(epochs: int, done: int) -> Iterator[Report]:
    """A bar on standard error with the last epoch's loss and accuracy; nothing unless that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[last]}"),
    )
    with Bars(*columns, console=console, disable=not console.is_terminal) as bars:
        task = bars.add_task("training", total=epochs, completed=done, last="")
        yield lambda epoch: bars.update(task, advance=1, last=line(epoch))


def line(epoch: Epoch) -> str:
    """One epoch in a few words: ``loss 0.212 | accuracy 94.1 % | validation 93.8 %``."""
    words = [f"loss {epoch.train_loss:.4g}"]
    if epoch.train_accuracy is not None:
        words.append(f"accuracy {100 * epoch.train_accuracy:.1f} %")
    if epoch.validation_accuracy is not None:
        words.append(f"validation {100 * epoch.validation_accuracy:.1f} %")
    elif epoch.validation_loss is not None:
        words.append(f"validation loss {epoch.validation_loss:.4g}")
    return " | ".join(words)
