"""The Yin-Yang task in ten lines: a network, its exact gradient, a trained classifier."""

import saltus
from saltus.runtime.data import yin_yang
from saltus.runtime.schedule import Linear

train, validation, test = yin_yang()
net = saltus.Network(
    [
        saltus.Layer("lif", 120, inputs=5, weights=saltus.Normal(2.2, 1.0)),
        saltus.Layer("lif", 3, weights=saltus.Normal(0.25, 0.1), spikes_kept=1),
    ],
    T=60e-3,
    loss=saltus.loss("first_spike_cross_entropy", missing="skip"),
)
trainer = saltus.Trainer(net, saltus.Adam(lr=2e-3), schedule=Linear(100))
trainer.fit(train, validation, epochs=100, early_stop=100)
print(trainer.evaluate(test))
