"""The trainer: repeatable, resumable to the bit, honest about what it did, on a small linear network."""

from dataclasses import dataclass

import numpy as np
import pytest

import saltus
from saltus.errors import ConfigError, InputError, RunError
from saltus.runtime import trainer as trainer_module
from saltus.runtime.checkpoint import load
from saltus.runtime.data import Dataset, yin_yang
from saltus.runtime.optimiser import SGD, Adam
from saltus.runtime.progress import quiet
from saltus.runtime.spikes import Spikes
from saltus.runtime.trainer import Trainer


@dataclass
class LinearResult:
    loss: float
    missing: int
    inputs: np.ndarray
    slope: np.ndarray
    scores: np.ndarray
    drive: np.ndarray

    def predictions(self):
        return np.argmax(self.scores, axis=1)

    def silent(self):
        return {"out": (self.drive <= 0).all(axis=0)}


class LinearNetwork:
    """Softmax regression on the first spike times: what a trainer needs from a network, and nothing else.

    A neuron counts as silent in a sample where its summed weights are not positive.
    """

    def __init__(self, seed=0):
        self.weights = np.random.default_rng(seed).normal(size=(5, 3))
        self.gain = np.ones(3)
        self.runs = 0
        self.interrupt_at = None

    def parameters(self):
        return {"out.weights": self.weights, "out.gain": self.gain}

    def positive(self):
        return {"out.gain"}

    def fingerprint(self):
        return "linear"

    def run(self, spikes, labels):
        self.runs += 1
        if self.runs == self.interrupt_at:
            raise KeyboardInterrupt
        inputs = spikes.first() * 30.0
        scores = inputs @ self.weights * self.gain
        chance = np.exp(scores - scores.max(axis=1, keepdims=True))
        chance /= chance.sum(axis=1, keepdims=True)
        rows = np.arange(len(labels))
        slope = chance.copy()
        slope[rows, labels] -= 1.0
        drive = np.broadcast_to(self.weights.sum(axis=0), scores.shape)
        return LinearResult(
            -np.log(chance[rows, labels]).mean(), 0, inputs, slope / len(labels), scores, drive
        )

    def gradients(self, result, wrt):
        raw = result.inputs @ self.weights
        return {
            "out.weights": result.inputs.T @ (result.slope * self.gain),
            "out.gain": (result.slope * raw).sum(axis=0),
        }

    def boost(self, population, neurons, amount):
        assert population == "out"
        self.weights[:, neurons] += amount
        return int(np.count_nonzero(neurons))


@pytest.fixture(scope="module")
def data():
    return yin_yang((200, 60, 60), (1, 2, 3))


def test_time_constants_stay_positive_and_thresholds_are_free(data):
    """A rate that would carry a time constant through zero moves its logarithm; nothing is clamped."""
    learn = ("weights", "tau_mem", "v_reset")
    layers = [saltus.Layer("lif", 3, inputs=5, weights=saltus.Normal(2.2, 1.0), learn=learn)]
    loss = saltus.loss("mean_squared_error", readout="V", targets=np.eye(3))
    net = saltus.Network(layers, T=40e-3, loss=loss)
    assert net.positive() == {"output.tau_mem"}
    before = float(net.parameters()["output.tau_mem"])
    rates = {"output.tau_mem": 0.5, "*": 0.1}
    make(net, optimiser=Adam(lr=rates)).fit(data.test, epochs=2, progress=quiet)
    after = float(net.parameters()["output.tau_mem"])
    assert 0.0 < after < np.inf and abs(np.log(after / before)) > 0.4
    assert net.parameters()["output.v_reset"] != 0.0


def make(net, **options):
    return Trainer(net, options.pop("optimiser", Adam(lr=2e-2)), batch_size=32, seed=4, **options)


def bits(net):
    return {name: value.tobytes() for name, value in net.parameters().items()}


def without_time(history):
    return [
        (e.epoch, e.train_loss, e.train_accuracy, e.validation_loss, e.validation_accuracy)
        for e in history.epochs
    ]


def test_training_learns_and_records_each_epoch(data):
    net = LinearNetwork()
    before = make(net).evaluate(data.test)
    history = make(net).fit(data.train, data.validation, epochs=30, progress=quiet)
    after = make(net).evaluate(data.test)
    assert after.loss < before.loss and after.accuracy > before.accuracy
    assert [epoch.epoch for epoch in history.epochs] == list(range(1, 31))
    assert history.epochs[-1].train_loss < history.epochs[0].train_loss
    assert all(epoch.seconds > 0 and epoch.clipped == 0 and epoch.boosted == 0 for epoch in history.epochs)
    assert (net.gain > 0).all() and not np.array_equal(net.gain, np.ones(3))


def test_the_same_seed_gives_the_same_bits_and_another_does_not(data):
    nets = [LinearNetwork() for _ in range(3)]
    for net, seed in zip(nets, (4, 4, 5), strict=True):
        Trainer(net, Adam(), batch_size=32, seed=seed).fit(data.train, epochs=2, progress=quiet)
    assert bits(nets[0]) == bits(nets[1]) != bits(nets[2])


def test_every_sample_is_used_once_an_epoch(data):
    seen = []

    class Watching(LinearNetwork):
        def run(self, spikes, labels):
            seen.append(spikes.first())
            return super().run(spikes, labels)

    make(Watching()).fit(data.train, epochs=2, progress=quiet)
    assert [len(part) for part in seen] == [32, 32, 32, 32, 32, 32, 8] * 2
    first, second = np.concatenate(seen[:7]), np.concatenate(seen[7:])
    assert not np.array_equal(first, second)
    everything = np.sort(data.train.spikes.first(), axis=0)
    assert np.array_equal(np.sort(first, axis=0), everything)
    assert np.array_equal(np.sort(second, axis=0), everything)


@pytest.mark.parametrize("stop", [1, 3, 5])
def test_a_resumed_run_ends_with_the_bits_of_an_uninterrupted_one(data, tmp_path, stop):
    whole, first, second = LinearNetwork(), LinearNetwork(), LinearNetwork(seed=99)
    expected = make(whole).fit(data.train, data.validation, epochs=6, early_stop=50, progress=quiet)
    path = tmp_path / "run.npz"
    options = {"early_stop": 50, "checkpoint": path, "progress": quiet}
    make(first).fit(data.train, data.validation, epochs=stop, **options)
    history = make(second).fit(data.train, data.validation, epochs=6, resume=True, **options)
    assert bits(second) == bits(whole)
    assert without_time(history) == without_time(expected) and history.best == expected.best


def test_ctrl_c_in_an_epoch_leaves_the_last_whole_one(data, tmp_path):
    whole, stopped = LinearNetwork(), LinearNetwork()
    make(whole).fit(data.train, epochs=4, progress=quiet)
    path = tmp_path / "run.npz"
    stopped.interrupt_at = 7 * 2 + 3
    with pytest.raises(KeyboardInterrupt):
        make(stopped).fit(data.train, epochs=4, checkpoint=path, progress=quiet)
    assert len(load(path).progress["history"]["epochs"]) == 2
    stopped.interrupt_at = None
    make(stopped).fit(data.train, epochs=4, checkpoint=path, resume=True, progress=quiet)
    assert bits(stopped) == bits(whole)


def test_ctrl_c_in_the_first_epoch_leaves_the_start(data, tmp_path):
    net = LinearNetwork()
    start = net.weights.copy()
    net.interrupt_at = 3
    with pytest.raises(KeyboardInterrupt):
        make(net).fit(data.train, epochs=4, checkpoint=tmp_path / "run.npz", progress=quiet)
    found = load(tmp_path / "run.npz")
    assert found.progress["history"]["epochs"] == []
    assert np.array_equal(found.group("now")["out.weights"], start)


def test_early_stop_puts_the_best_parameters_back(data):
    net = LinearNetwork()
    history = make(net, optimiser=SGD(lr=30.0)).fit(
        data.train, data.validation, epochs=60, early_stop=3, progress=quiet
    )
    assert len(history) == history.best + 1 + 3 < 60
    best = history.epochs[history.best]
    found = make(net).evaluate(data.validation)
    assert (found.accuracy, found.loss) == (best.validation_accuracy, best.validation_loss)
    ranking = [(e.validation_accuracy, -e.validation_loss) for e in history.epochs]
    assert max(ranking) == ranking[history.best]


def test_a_stopped_run_resumes_to_itself(data, tmp_path):
    net = LinearNetwork()
    options = {"epochs": 60, "early_stop": 3, "checkpoint": tmp_path / "run.npz", "progress": quiet}
    first = make(net, optimiser=SGD(lr=30.0)).fit(data.train, data.validation, **options)
    after = bits(net)
    again = LinearNetwork(seed=9)
    second = make(again, optimiser=SGD(lr=30.0)).fit(data.train, data.validation, resume=True, **options)
    assert len(second) == len(first) and bits(again) == after


def test_a_checkpoint_of_another_run_is_refused(data, tmp_path):
    path = tmp_path / "run.npz"
    make(LinearNetwork()).fit(data.train, epochs=1, checkpoint=path, progress=quiet)
    other = Trainer(LinearNetwork(), Adam(lr=1e-3), batch_size=16, seed=4)
    with pytest.raises(InputError, match=r"optimiser is Adam\(lr=0.02.* batch size is 32 there, 16 here"):
        other.fit(data.train, epochs=2, checkpoint=path, resume=True, progress=quiet)
    with pytest.raises(InputError, match=r"training data is 200 samples .* there, 60 samples"):
        make(LinearNetwork()).fit(data.test, epochs=2, checkpoint=path, resume=True, progress=quiet)


def test_resume_without_a_file_starts_afresh(data, tmp_path):
    net, plain = LinearNetwork(), LinearNetwork()
    make(net).fit(data.train, epochs=1, checkpoint=tmp_path / "a.npz", resume=True, progress=quiet)
    make(plain).fit(data.train, epochs=1, progress=quiet)
    assert bits(net) == bits(plain)


def test_a_full_disk_stops_the_run_and_keeps_the_checkpoint(data, tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    make(LinearNetwork()).fit(data.train, epochs=2, checkpoint=path, progress=quiet)

    def full(path, checkpoint):
        raise RunError("No space left on device")

    before = path.read_bytes()
    monkeypatch.setattr(trainer_module, "save", full)
    with pytest.raises(RunError, match="No space left"):
        make(LinearNetwork()).fit(data.train, epochs=4, checkpoint=path, resume=True, progress=quiet)
    assert path.read_bytes() == before


def test_silent_boost_acts_on_silent_neurons_only_and_is_counted(data):
    net = LinearNetwork()
    net.weights[...] = np.abs(net.weights)
    net.weights[:, 1] = -5.0
    plain = LinearNetwork()
    plain.weights[...] = net.weights
    frozen = SGD(lr=0.0)
    history = make(net, optimiser=frozen, silent_boost=1e-2).fit(data.train, epochs=2, progress=quiet)
    assert [epoch.boosted for epoch in history.epochs] == [7, 7]
    np.testing.assert_allclose(net.weights[:, 1], -5.0 + 14e-2)
    assert np.array_equal(net.weights[:, [0, 2]], plain.weights[:, [0, 2]])
    assert history.epochs[0].silent == 1
    history = make(plain, optimiser=frozen).fit(data.train, epochs=2, progress=quiet)
    assert [epoch.boosted for epoch in history.epochs] == [0, 0]


def test_clipped_steps_are_counted_by_epoch(data):
    history = make(LinearNetwork(), optimiser=SGD(lr=0.1, clip=1e-9)).fit(
        data.train, epochs=2, progress=quiet
    )
    assert [epoch.clipped for epoch in history.epochs] == [7, 7]


def test_a_schedule_multiplies_the_rate_by_epoch(data):
    halved, frozen = LinearNetwork(), LinearNetwork()
    history = make(halved, schedule=lambda epoch: 0.5**epoch).fit(data.train, epochs=3, progress=quiet)
    assert [epoch.rate for epoch in history.epochs] == [1.0, 0.5, 0.25]
    before = bits(frozen)
    make(frozen, schedule=lambda epoch: 0.0).fit(data.train, epochs=1, progress=quiet)
    assert bits(frozen) == before


def test_history_has_columns_and_json(data, tmp_path):
    history = make(LinearNetwork()).fit(data.train, epochs=2, progress=quiet)
    assert len(history.column("train_loss")) == 2
    assert history.column("validation_loss") == [None, None] and history.best is None
    history.save(tmp_path / "history.json")
    assert '"train_accuracy"' in (tmp_path / "history.json").read_text()
    with pytest.raises(InputError, match=r'no column "los". Use one of epoch, train_loss'):
        history.column("los")


def test_an_empty_data_set_is_refused():
    empty = Dataset(Spikes.from_times(np.zeros((0, 5))), np.zeros(0, dtype=np.int32))
    with pytest.raises(InputError, match=r"there are no samples. Give at least one"):
        make(LinearNetwork()).fit(empty, epochs=1, progress=quiet)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda d, t: Trainer(LinearNetwork(), Adam(), batch_size=0),
            r"batch_size = 0 is not positive. Use one",
        ),
        (
            lambda d, t: Trainer(LinearNetwork(), Adam(), silent_boost=-1.0),
            r"silent_boost = -1.0 is not positive",
        ),
        (lambda d, t: Trainer(LinearNetwork(), Adam(lr={"x": 1.0})), r'no learning rate fits "out.weights"'),
        (lambda d, t: t.fit(d.train, epochs=-1), r"epochs = -1 is negative. Give the number"),
        (
            lambda d, t: t.fit(d.train, epochs=1, early_stop=2),
            r"early_stop has no validation data to judge by",
        ),
        (lambda d, t: t.fit(d.train, d.test, epochs=1, early_stop=0), r"early_stop = 0 is not positive"),
        (lambda d, t: t.fit(d.train, epochs=1, resume=True), r"resume=True has no file to go on from. Give"),
    ],
)
def test_contradictions_are_refused(data, call, message):
    with pytest.raises(ConfigError, match=message):
        call(data, make(LinearNetwork()))


def test_augmentation_changes_batches_and_depends_on_the_seed_and_the_step_alone(data, tmp_path):
    seen = []

    def later(batch, random):
        shift = random.uniform(0.0, 1e-3)
        seen.append(shift)
        return Dataset(Spikes.from_times(batch.spikes.first() + shift), batch.labels)

    whole, halves = LinearNetwork(), LinearNetwork()
    make(whole, augment=later).fit(data.train, epochs=2, progress=quiet)
    assert len(set(seen)) == len(seen)
    before = list(seen)
    path = tmp_path / "run.npz"
    for epochs in (1, 2):
        make(halves, augment=later).fit(
            data.train, epochs=epochs, checkpoint=path, resume=True, progress=quiet
        )
    assert seen[len(before) :] == before
    np.testing.assert_array_equal(whole.weights, halves.weights)
    with pytest.raises((ConfigError, InputError), match="augmentation"):
        make(halves).fit(data.train, epochs=3, checkpoint=path, resume=True, progress=quiet)
