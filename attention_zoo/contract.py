"""What every mixer promises to the block that hosts it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection

from torch import Tensor, nn

from attention_zoo.registry import MixerError


class Mixer(nn.Module):
    """Token mixer without norm and without residual: the host block adds both.

    Args:
        dim: channels C of the map.
        num_heads: heads h; C must be a multiple of it.

    Raises:
        MixerError: dim or num_heads below 1, or dim not a multiple of num_heads.
    """

    def __init__(self, dim: int, num_heads: int = 1) -> None:
        super().__init__()
        check_positive("dim", dim)
        check_positive("num_heads", num_heads)
        if dim % num_heads:
            raise MixerError(
                f"dim must be a multiple of num_heads, got dim {dim}, {num_heads} heads"
            )
        self.dim = dim
        self.num_heads = num_heads
        self.head_dim = dim // num_heads

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Mix the tokens of x: (B, C, H, W) -> (B, C, H, W), any H, W >= 1, any memory format."""

    @abstractmethod
    def macs(self, height: int, width: int) -> int:
        """Exact multiply-accumulates of `forward` for one height x width map."""


def check_choice(option: str, value: object, allowed: Collection[str]) -> None:
    """Raise MixerError unless value is one of the allowed words."""
    if value not in allowed:
        raise MixerError(f"{option} must be one of {', '.join(allowed)}; got {value!r}")


def check_positive(option: str, value: object) -> None:
    """Raise MixerError unless value is a whole number of at least 1."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise MixerError(f"{option} must be a whole number of at least 1, got {value!r}")
