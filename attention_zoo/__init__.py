"""Token mixers, one per file: (B, C, H, W) -> (B, C, H, W). Importing this imports no torch.

`entries()` lists what exists, `build("fwa", dim=64, num_heads=4)` makes one, and a new file with
one `@register(...)` class beside the others adds one.
"""

from typing import TYPE_CHECKING, Any

from attention_zoo.registry import (
    Entry,
    MixerError,
    add_files,
    build,
    entries,
    entry,
    register,
)

if TYPE_CHECKING:
    from attention_zoo.registry.mixer import Mixer

__all__ = ["Entry", "Mixer", "MixerError", "add_files", "build", "entries", "entry", "register"]


def __getattr__(name: str) -> Any:
    if name == "Mixer":  # the one name that needs torch
        from attention_zoo.registry.mixer import Mixer

        return Mixer
    raise AttributeError(f"module 'attention_zoo' has no attribute {name!r}")
