"""Which mixers exist. Entries are read from source files, so that listing imports no torch."""

from __future__ import annotations

import difflib
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from attention_zoo.registry.declarations import Option, read_declarations
from attention_zoo.registry.errors import MixerError
from attention_zoo.registry.source_files import SESSION_FILES, imported, source_files

if TYPE_CHECKING:
    from attention_zoo.registry.mixer import Mixer

Class = TypeVar("Class", bound=type)


@dataclass(frozen=True)
class Entry:
    """What is known of a mixer without importing it."""

    name: str
    module: str
    file: Path
    class_name: str
    docstring: str
    paper: str
    complexity: str
    reconstructed: bool
    limits: dict[str, str]
    options: tuple[Option, ...]

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.docstring.partition("\n")[0]

    def load(self) -> type[Mixer]:
        """The class; imports torch."""
        found = getattr(imported(self.module, self.file), self.class_name)
        return found

    def check_options(self, names: Any) -> None:
        """Raise MixerError for the first option this mixer does not have."""
        known = [option.name for option in self.options]
        for name in names:
            if name not in known:
                has = f"it has: {', '.join(known)}" if known else "it has no options"
                raise MixerError(f"mixer {self.name!r} has no option {name!r}; {has}")


def register(
    name: str,
    *,
    paper: str,
    complexity: str,
    reconstructed: bool = False,
    limits: dict[str, str] | None = None,
) -> Callable[[Class], Class]:
    """Declare a class as the mixer `name`.

    Arguments must be literals: they are read from the source as well, without running it.

    Args:
        name: what users type.
        paper: where the mechanism comes from, "arXiv 2508.01385".
        complexity: cost in N = H*W tokens, C channels and whatever the mixer names.
        reconstructed: the paper's equations or code could not be had.
        limits: what it cannot do and why: {"onnx": "...", "compile": "..."}.

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
    """Every mixer by name: this folder's, those of files named for the session, other packages'.

    Raises:
        MixerError: two files declare the same name.
    """
    found: dict[str, Entry] = {}
    for module, path in source_files():
        for declared in read_declarations(path):
            if declared["name"] in found:
                other = found[declared["name"]].module
                raise MixerError(
                    f"mixer {declared['name']!r} is registered twice: in {other} and {module}"
                )
            found[declared["name"]] = Entry(module=module, file=path, **declared)
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


def add_files(paths: Iterable[Path]) -> None:
    """Make the mixers of further source files known to this process and those it starts.

    Raises:
        MixerError: a file that is missing, is no Python, or declares no mixer.
    """
    files = [path.resolve() for path in paths]
    for path in files:
        try:
            declared = read_declarations(path)
        except (OSError, SyntaxError, ValueError, LookupError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise MixerError(f"cannot read a mixer from {path}: {why}") from error
        if not declared:
            raise MixerError(f"{path} declares no mixer: it has no class with @register(...)")
    known = [text for text in os.environ.get(SESSION_FILES, "").split(os.pathsep) if text]
    os.environ[SESSION_FILES] = os.pathsep.join(dict.fromkeys([*known, *map(str, files)]))
    entries.cache_clear()


def _declared_in(name: str, cls: type) -> Entry:
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)  # a notebook has none
    path = Path(file or os.devnull)
    for declared in read_declarations(path):
        if declared["name"] == name:
            return Entry(module=cls.__module__, file=path, **declared)
    raise MixerError(f"mixer {name!r} must be declared at the top level of a source file")
