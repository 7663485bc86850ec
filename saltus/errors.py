"""What can go wrong, by whose doing. Each message is one sentence with the place and one with the way out."""


class SaltusError(Exception):
    """Anything that Saltus raises on purpose."""


class SpecError(SaltusError):
    """A model or loss specification is wrong."""


class DerivationError(SaltusError):
    """A model has no adjoint of the kind derived here, or a proof failed."""


class EmitError(SaltusError):
    """A derivation cannot be written as C, or committed C has drifted."""


class CompileError(SaltusError):
    """No compiler, a compiler's error, or a cache that cannot be used."""


class InputError(SaltusError, ValueError):
    """An argument does not fit: spikes, labels, shapes, names."""


class ConfigError(SaltusError):
    """A network or training configuration is wrong."""


class RunError(SaltusError):
    """A simulation cannot go on; the message names sample, neuron and time."""
