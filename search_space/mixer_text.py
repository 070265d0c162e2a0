"""Mixers as they are written in a space: "fwa", "window:window=4,..."; and their options."""

from __future__ import annotations

import ast
import math
from functools import cache

from attention_zoo.registry import MixerError, entries, entry
from attention_zoo.registry.declarations import Option
from lolvit.fields import ArchitectureError
from lolvit.mixer_config import MixerConfig
from search_space.dimension import Value
from search_space.errors import SpaceError, nearest

# An option whose annotation names none of these may be anything plain.
PLAIN: dict[str, type] = {"bool": bool, "int": int, "float": float, "str": str}


def parse(text: object) -> MixerConfig:
    """The mixer written as `name` or `name:option=value,option=value`, defaults left out.

    Raises:
        SpaceError: an unknown mixer or option, or a value that the option cannot have.
    """
    if not isinstance(text, str):
        raise SpaceError(f"mixers are words, got {text!r}")
    return _parse(text)


@cache
def _parse(text: str) -> MixerConfig:
    name, _, options = text.partition(":")
    if name not in entries():
        known = ", ".join(sorted(entries()))
        raise SpaceError(f"unknown mixer {name!r}; {nearest(name, entries())}known: {known}")
    pairs = []
    for option in options.split(",") if options else []:
        key, equals, value = (part.strip() for part in option.partition("="))
        if not equals:
            raise SpaceError(f"write options of {name!r} as option=value, got {option!r}")
        pairs.append((option_of(name, key).name, value_of(value)))
    try:
        return plain(MixerConfig(name, tuple(pairs)))
    except (ArchitectureError, MixerError) as error:
        raise SpaceError(str(error)) from error


def write(mixer: MixerConfig) -> str:
    """The text that `parse` reads as this mixer."""
    options = ",".join(f"{key}={_word(value)}" for key, value in mixer.options)
    return f"{mixer.name}:{options}" if options else mixer.name


def plain(mixer: MixerConfig) -> MixerConfig:
    """The mixer without options that say what holds anyway: one network, one hash.

    Raises:
        SpaceError: an option whose value is of the wrong type.
    """
    told = {key: checked(mixer.name, key, value) for key, value in mixer.options}
    said = ((key, v) for key, v in told.items() if v != default(mixer.name, key))
    return MixerConfig(mixer.name, tuple(said))


def checked(name: str, option: str, value: Value) -> Value:
    """The value of a mixer's option, a whole number made real where the option is real.

    Raises:
        SpaceError: a value of another type than the option's.
    """
    kinds = option_kinds(name, option)
    if isinstance(value, float) and not math.isfinite(value):
        raise SpaceError(f"option {option!r} of mixer {name!r} must be finite, got {value!r}")
    if not kinds or type(value) in kinds:
        return value
    if float in kinds and type(value) is int:
        return float(value)
    wanted = " or ".join(sorted(kind.__name__ for kind in kinds))
    raise SpaceError(f"option {option!r} of mixer {name!r} is {wanted}, got {value!r}")


def option_of(name: str, option: str) -> Option:
    """The declaration of a mixer's option; raises SpaceError where it has no such option."""
    found = entry(name)
    for known in found.options:
        if known.name == option:
            return known
    names = [known.name for known in found.options]
    has = f"it has: {', '.join(names)}" if names else "it has no options"
    raise SpaceError(f"mixer {name!r} has no option {option!r}; {nearest(option, names)}{has}")


def default(name: str, option: str) -> Value | None:
    """What the option is when nobody sets it; None where its declaration does not say."""
    try:
        found = ast.literal_eval(option_of(name, option).default)
    except (ValueError, SyntaxError):  # a named constant, or no default at all
        return None
    return found if isinstance(found, bool | int | float | str) else None


def option_kinds(name: str, option: str) -> frozenset[type]:
    """The plain types that the option is declared with; empty for any."""
    return _kinds(option_of(name, option).annotation)


@cache
def _kinds(annotation: str) -> frozenset[type]:
    words = [word.strip() for word in annotation.split("|")]
    known = frozenset(PLAIN[word] for word in words if word in PLAIN)
    return known if len(known) == len(words) else frozenset()


def value_of(text: str) -> Value:
    """The value that a word of a command line or a file means: true, 3, 0.5, or the word."""
    if text in ("true", "false"):
        return text == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _word(value: Value) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
