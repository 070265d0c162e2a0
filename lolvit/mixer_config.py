"""Which mixer a block has, with which options: as data, as a dict and as text."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from attention_zoo.registry import OptionValue, entry
from lolvit.fields import ArchitectureError, set_field, set_tuple


@dataclass(frozen=True)
class MixerConfig:
    """A mixer by name, with its options as sorted pairs, those at their default left out.

    So equal mixers are equal however they are spelt: `fwa` and `fwa:window=sqrt`.

    Raises:
        MixerError: unknown name or option, or a value of another type than the option's.
        ArchitectureError: options that are not pairs, or an option given twice.
    """

    name: str = "fwa"
    options: tuple[tuple[str, OptionValue], ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise ArchitectureError(f"mixers must have a name, got {self.name!r}")
        set_tuple(self, "options")
        options: dict[str, object] = {}
        for pair in self.options:
            if not isinstance(pair, list | tuple) or len(pair) != 2:
                raise ArchitectureError(f"options of mixers must be pairs, got {pair!r}")
            key = str(pair[0])
            if key in options:
                raise ArchitectureError(f"mixer option {key!r} is given twice")
            options[key] = pair[1]
        minimal = entry(self.name).minimal_options(options)
        set_field(self, "options", tuple(sorted(minimal.items())))

    def __str__(self) -> str:
        """The text that `parse` reads as this mixer."""
        options = ",".join(f"{key}={_to_text(value)}" for key, value in self.options)
        return f"{self.name}:{options}" if options else self.name

    @classmethod
    def parse(cls, text: str) -> MixerConfig:
        """The mixer written as `name` or `name:option=value,option=value`.

        Raises:
            MixerError: unknown name or option, or a value of another type than the option's.
            ArchitectureError: no text, an option without a value, or an option given twice.
        """
        if not isinstance(text, str):
            raise ArchitectureError(f"a mixer must be written as name:option=value, got {text!r}")
        return _parse(text)

    @classmethod
    def from_dict(cls, data: object) -> MixerConfig:
        """The mixer of a JSON object {name, options}; raises ArchitectureError for others."""
        if not isinstance(data, dict) or set(data) != {"name", "options"}:
            raise ArchitectureError(f"mixers must be made of name and options, got {data!r}")
        return cls(data["name"], data["options"])


@lru_cache(maxsize=10_000)
def _parse(text: str) -> MixerConfig:
    name, colon, options = text.partition(":")
    declaration = entry(name)
    if colon and not options.strip():
        raise ArchitectureError(f"{text!r} ends with a colon; write {name}, or {name}:option=value")
    pairs = []
    for option in options.split(",") if options else []:
        key, equals, value = (part.strip() for part in option.partition("="))
        if not equals:
            raise ArchitectureError(f"write options of {name!r} as option=value, got {option!r}")
        pairs.append((key, declaration.parse(key, value)))
    return MixerConfig(name, tuple(pairs))


def _to_text(value: OptionValue) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
