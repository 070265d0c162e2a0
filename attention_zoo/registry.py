"""Which mixers exist. Entries are read from source files, so that listing imports no torch."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from attention_zoo.source import Option, read_declarations

if TYPE_CHECKING:
    from attention_zoo.contract import Mixer

ENTRY_POINT_GROUP = "attention_zoo"

Class = TypeVar("Class", bound=type)


class MixerError(ValueError):
    """An unknown mixer, an unknown option or a value out of range; the message is one line."""


@dataclass(frozen=True)
class Entry:
    """What is known of a mixer without importing it."""

    name: str
    module: str
    class_name: str
    summary: str
    paper: str
    complexity: str
    reconstructed: bool
    options: tuple[Option, ...]

    def load(self) -> type[Mixer]:
        """The class; imports torch."""
        found = getattr(import_module(self.module), self.class_name)
        return found

    def check_options(self, names: Any) -> None:
        """Raise MixerError for the first option this mixer does not have."""
        known = [option.name for option in self.options]
        for name in names:
            if name not in known:
                has = f"it has: {', '.join(known)}" if known else "it has no options"
                raise MixerError(f"mixer {self.name!r} has no option {name!r}; {has}")


def register(
    name: str, *, paper: str, complexity: str, reconstructed: bool = False
) -> Callable[[Class], Class]:
    """Declare a class as the mixer `name`.

    Arguments must be literals: they are read from the source as well, without running it.

    Args:
        name: what users type.
        paper: where the mechanism comes from, "arXiv 2508.01385".
        complexity: cost in N = H*W tokens, C channels and whatever the mixer names.
        reconstructed: the paper's equations or code could not be had.

    Raises:
        MixerError: the name belongs to another class already.
    """

    def declare(cls: Class) -> Class:
        known = entries().get(name)
        if known is None:  # a file outside the folders the registry reads
            known = entries()[name] = _declared_in(name, cls)
        if (known.module, known.class_name) != (cls.__module__, cls.__qualname__):
            raise MixerError(
                f"mixer {name!r} is registered twice: {known.module}.{known.class_name} and "
                f"{cls.__module__}.{cls.__qualname__}"
            )
        return cls

    return declare


@cache
def entries() -> dict[str, Entry]:
    """Every mixer by name: the files of this folder, then those of installed third-party packages.

    Raises:
        MixerError: two files declare the same name.
    """
    files = [(f"{__package__}.{path.stem}", path) for path in _own_files()]
    files += [(point.module, path) for point, path in _third_party_files()]
    found: dict[str, Entry] = {}
    for module, path in files:
        for declared in read_declarations(path):
            if declared["name"] in found:
                other = found[declared["name"]].module
                raise MixerError(
                    f"mixer {declared['name']!r} is registered twice: in {other} and {module}"
                )
            found[declared["name"]] = Entry(module=module, **declared)
    return found


def entry(name: str) -> Entry:
    """The entry called `name`; raises MixerError naming the nearest and all others."""
    known = entries()
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise MixerError(f"unknown mixer {name!r}; {hint}known: {', '.join(sorted(known))}")
    return known[name]


def build(name: str, *, dim: int, num_heads: int = 1, **options: Any) -> Mixer:
    """Make the mixer `name` for `dim` channels.

    Raises:
        MixerError: unknown name, unknown option, or a value the mixer does not allow.
    """
    found = entry(name)
    found.check_options(options)
    return found.load()(dim, num_heads, **options)


def _declared_in(name: str, cls: type) -> Entry:
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)  # a notebook has none
    for declared in read_declarations(Path(file)) if file else []:
        if declared["name"] == name:
            return Entry(module=cls.__module__, **declared)
    raise MixerError(f"mixer {name!r} must be declared at the top level of a source file")


def _own_files() -> list[Path]:
    return sorted(Path(__file__).parent.glob("*.py"))


def _third_party_files() -> list[tuple[metadata.EntryPoint, Path]]:
    """Source files that installed packages name under the entry-point group."""
    points = metadata.entry_points(group=ENTRY_POINT_GROUP)
    return [(point, file) for point in points if (file := _source(point.module))]


def _source(module: str) -> Path | None:
    """The file of a module, found without running it or the packages above it."""
    top, *below = module.split(".")
    spec = find_spec(top)
    if spec is None:
        return None
    if not below:
        return Path(spec.origin) if spec.origin else None
    for folder in spec.submodule_search_locations or []:
        base = Path(folder, *below)
        for file in (base.with_suffix(".py"), base / "__init__.py"):
            if file.is_file():
                return file
    return None
