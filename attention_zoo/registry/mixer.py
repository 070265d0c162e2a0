"""The base class of mixers, and checks of their options."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection
from typing import Any, ClassVar

from torch import Tensor, nn

from attention_zoo.registry.errors import MixerError

Memory = list[tuple[Tensor, Tensor]]
"""Keys and values of the earlier mixers of a stage, in order; all (B, h, N, d)."""


class Mixer(nn.Module):
    """Token mixer without norm and without residual: the host block adds both.

    Args:
        dim: channels C of the map.
        num_heads: heads h; C must be a multiple of it.

    Raises:
        MixerError: dim or num_heads below 1, or dim not a multiple of num_heads.
    """

    takes_memory: ClassVar[bool] = False
    """Whether forward is `forward(x, memory=None)`, which reads the stage's memory and appends."""

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

    @classmethod
    def options_of_block(cls, options: dict[str, Any], block: int) -> dict[str, Any]:
        """Options for the block-th use in a network; mixers that alternate override this."""
        return options

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """Mix the tokens of x: (B, C, H, W) -> (B, C, H, W), any H, W >= 1, any memory format."""

    @abstractmethod
    def macs(self, height: int, width: int) -> int:
        """Exact multiply-accumulates of `forward` for one height x width map."""


def check_choice(option: str, value: object, allowed: Collection[str]) -> None:
    """Raise MixerError unless value is one of the allowed strings."""
    if value not in allowed:
        raise MixerError(f"{option} must be one of {', '.join(allowed)}; got {value!r}")


def check_positive(option: str, value: object) -> None:
    """Raise MixerError unless value is a whole number of at least 1."""
    _check_whole(option, value, value != 0, "a whole number of at least 1")


def check_not_negative(option: str, value: object) -> None:
    """Raise MixerError unless value is a whole number of at least 0."""
    _check_whole(option, value, True, "a whole number of at least 0")


def check_odd(option: str, value: object, *, or_zero: bool = False) -> None:
    """Raise MixerError unless value is an odd whole number of at least 1, or 0 where allowed."""
    is_allowed = isinstance(value, int) and (value % 2 == 1 or (or_zero and value == 0))
    allowed = "an odd whole number of at least 1" + (", or 0" if or_zero else "")
    _check_whole(option, value, is_allowed, allowed)


def _check_whole(option: str, value: object, is_allowed: bool, allowed: str) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0 or not is_allowed:
        raise MixerError(f"{option} must be {allowed}, got {value!r}")


def check_flag(option: str, value: object) -> None:
    """Raise MixerError unless value is True or False."""
    if not isinstance(value, bool):
        raise MixerError(f"{option} must be True or False, got {value!r}")


def check_share(option: str, value: object) -> None:
    """Raise MixerError unless value is a number from 0 to 1."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= 1:
        raise MixerError(f"{option} must be a number from 0 to 1, got {value!r}")
