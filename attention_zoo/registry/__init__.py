"""Which mixers exist: declared by a decorator, read from source files without importing torch."""

from attention_zoo.registry.declarations import Option, OptionValue
from attention_zoo.registry.errors import MixerError
from attention_zoo.registry.registry import (
    MixerEntry,
    add_files,
    build,
    entries,
    entry,
    register,
)
from attention_zoo.registry.suggestions import did_you_mean, unknown_name

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
