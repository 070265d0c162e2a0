"""Which mixer a block has, with which options."""

from __future__ import annotations

from dataclasses import dataclass

from attention_zoo.registry import entry
from lolvit.fields import ArchitectureError, set_field, set_tuple


@dataclass(frozen=True)
class MixerConfig:
    """A mixer by name, with its options as sorted pairs.

    Raises:
        MixerError: unknown name or option.
        ArchitectureError: options that are not pairs, or an option given twice or of no plain type.
    """

    name: str = "fwa"
    options: tuple[tuple[str, bool | int | float | str], ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise ArchitectureError(f"mixers must have a name, got {self.name!r}")
        set_tuple(self, "options")
        for pair in self.options:
            if not isinstance(pair, list | tuple) or len(pair) != 2:
                raise ArchitectureError(f"options of mixers must be pairs, got {pair!r}")
        options = {str(key): value for key, value in self.options}
        for key, value in options.items():
            if not isinstance(value, bool | int | float | str) or value != value:
                raise ArchitectureError(
                    f"mixer option {key!r} must be a number or a word, got {value!r}"
                )
            if [str(other) for other, _ in self.options].count(key) > 1:
                raise ArchitectureError(f"mixer option {key!r} is given twice")
        set_field(self, "options", tuple(sorted(options.items())))
        entry(self.name).check_options(options)


def mixer_from_dict(data: object) -> MixerConfig:
    """The mixer whose plain form this is; raises ArchitectureError for anything else."""
    if not isinstance(data, dict) or set(data) != {"name", "options"}:
        raise ArchitectureError(f"mixers must be made of name and options, got {data!r}")
    return MixerConfig(data["name"], data["options"])
