"""The registry of mixers: declared by a decorator, read from source without importing torch."""

from attention_zoo.registry.declarations import Option, OptionValue
from attention_zoo.registry.errors import MixerError, did_you_mean, unknown_name
from attention_zoo.registry.registry import (
    MixerEntry,
    add_files,
    build,
    entries,
    entry,
    register,
)

__all__ = [
    "MixerEntry",
    "MixerError",
    "Option",
    "OptionValue",
    "add_files",
    "build",
    "did_you_mean",
    "entries",
    "entry",
    "register",
    "unknown_name",
]
