"""The whole line once: derive, prove, emit, compile, train, and draw (``make demo``).

``--quick`` trains a few epochs and fails below a floor of accuracy: the check that CI runs.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from saltus.runtime.emit import drift, generated_root, model_files
from saltus.runtime.experiment import Experiment, load, prepare
from saltus.runtime.plot import save_figure, yin_yang_figure
from saltus.runtime.schedule import Linear

HERE = Path(__file__).resolve().parent


class Length(NamedTuple):
    """How long to train, and the test accuracy to reach."""

    epochs: int
    floor: float


FULL = Length(epochs=300, floor=0.975)
QUICK = Length(epochs=12, floor=0.93)


@contextmanager
def step(what: str) -> Iterator[Callable[[str], None]]:
    """Prints what is being done, then what came out and how long it took."""
    print(f"{what:8}", end=" ", flush=True)
    started = time.perf_counter()
    said: list[str] = []
    yield said.append
    print(f"{'; '.join(said)}  ({time.perf_counter() - started:.1f} s)", flush=True)


def derive(models: Sequence[str]) -> None:
    """The adjoint of each model, as a table: Table 2 of the paper, derived from the equations of Table 1."""
    import saltus

    with step("derive") as say:
        tables = [str(saltus.adjoint(saltus.model(model))) for model in models]
        say(f"the adjoint of {', '.join(models)}")
    print("\n".join(tables))


def prove(models: Sequence[str]) -> None:
    """Every numbered equation of the paper's notes, and every rule of the models, proved again."""
    from saltus.derive.spec import load as load_model
    from saltus.derive.verify import check_model, check_source

    with step("prove") as say:
        rows = [*check_source(), *(row for model in models for row in check_model(load_model(model)))]
        failed = [row.id for row in rows if not row.ok]
        if failed:
            sys.exit(f"not proved: {', '.join(failed)}")
        kinds = Counter(row.status for row in rows)
        say(", ".join(f"{count} {status}" for status, count in kinds.items()) + ", none fails")


def emit(models: Sequence[str]) -> None:
    """The C again from the equations, compared with what is committed."""
    with step("emit") as say:
        files = {f"{model}/{file}": text for model in models for file, text in model_files(model).items()}
        differences = [found for found in drift(generated_root(), files) if found.path in files]
        say(f"{len(files)} files, {len(differences)} differ from generated/")


def train(experiment: Experiment, length: Length, picture: Path) -> float:
    """Compiles, trains and draws; returns the accuracy on the test set."""
    with step("compile") as say:
        run = prepare(experiment)
        run.net.run(run.data.train.take([0]).spikes)
        say(str(run.net))
    with step("train") as say:
        history = run.trainer.fit(
            run.data.train, run.data.validation, epochs=length.epochs, early_stop=length.epochs
        )
        found = run.trainer.evaluate(run.data.test)
        assert found.accuracy is not None and history.best is not None
        say(f"best of {len(history)} epochs by validation: {history.best + 1}")
    print(f"test accuracy {100 * found.accuracy:.2f} % of {found.samples} samples")
    with step("draw") as say:
        sizes = "-".join(str(size) for size in (*run.net.inputs.values(), *_sizes(run.net)))
        title = f"Yin-Yang, {sizes} neurons, exact gradients: test accuracy {100 * found.accuracy:.1f} %"
        save_figure(
            yin_yang_figure(
                run.net, history, run.data.test, encoding=experiment.data.encoding(), title=title
            ),
            picture,
        )
        say(str(picture))
    return found.accuracy


def _sizes(net: Any) -> list[int]:
    return [group.size for group in net.groups.values()]


def main() -> None:
    """Runs all steps."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_const", const=QUICK, default=FULL, dest="length")
    parser.add_argument("--output", type=Path, default=HERE.parent / "demo" / "yin_yang.png")
    chosen = parser.parse_args()
    experiment = load(HERE / "yin_yang.toml")
    schedule = Linear(chosen.length.epochs)
    training = msgspec.structs.replace(experiment.training, schedule=schedule)
    models = tuple(dict.fromkeys(layer["model"] for layer in experiment.network["layers"]))
    derive(models)
    prove(models)
    emit(models)
    accuracy = train(msgspec.structs.replace(experiment, training=training), chosen.length, chosen.output)
    if accuracy < chosen.length.floor:
        sys.exit(f"test accuracy {accuracy:.4f} is below {chosen.length.floor}: something is wrong.")


if __name__ == "__main__":
    main()
