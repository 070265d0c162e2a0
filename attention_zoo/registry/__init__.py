"""Which mixers exist: declared by a decorator, read from source files without importing torch."""

from attention_zoo.registry.errors import MixerError
from attention_zoo.registry.registry import (
    Entry,
    add_files,
    build,
    entries,
    entry,
    register,
)

__all__ = ["Entry", "MixerError", "add_files", "build", "entries", "entry", "register"]
