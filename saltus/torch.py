"""Networks as PyTorch modules; needs the extra ``torch``."""

from saltus.runtime.bridges.torch import Network, Outputs

__all__ = ["Network", "Outputs"]
