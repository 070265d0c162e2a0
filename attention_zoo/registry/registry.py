"""All mixers by name, read from source files, so that listing them imports no torch."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attention_zoo.registry.declarations import Option, OptionValue, read_declarations
from attention_zoo.registry.errors import MixerError, did_you_mean, unknown_name
from attention_zoo.registry.source_files import (
    SESSION_FILES,
    import_or_explain,
    import_source,
    session_files,
    source_files,
)

if TYPE_CHECKING:
    from attention_zoo.registry.mixer import Mixer

Class = TypeVar("Class", bound=type)


@dataclass(frozen=True)
class MixerEntry:
    """The declaration of a mixer, read without importing it."""

    name: str
    module: str
    file: Path
    class_name: str
    docstring: str
    about: str
    """What it is, in six words at the most; "" where nothing is declared."""
    paper: str
    complexity: str
    reconstructed: bool
    differs: str | None
    """In what it differs from the authors' code, "" for nothing; None where it was not compared."""
    limits: dict[str, str]
    options: tuple[Option, ...]

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.docstring.partition("\n")[0]

    @property
    def evidence(self) -> str:
        """What is known about its equality with the mechanism of its paper, in words."""
        if self.reconstructed:
            return "reconstructed"
        if self.differs is None:
            return "published"
        if self.differs:
            return f"published, differs in {self.differs}"
        return "published, equal to the authors' formula in all details"

    def load(self) -> type[Mixer]:
        """The class; imports torch."""
        return cast("type[Mixer]", getattr(import_source(self.module, self.file), self.class_name))

    def option(self, name: str) -> Option:
        """The option called `name`; raises MixerError naming the nearest and all others."""
        names = [option.name for option in self.options]
        if name not in names:
            has = f"it has: {', '.join(names)}" if names else "it has no options"
            hint = did_you_mean(name, names)
            raise MixerError(f"mixer {self.name!r} has no option {name!r}; {hint}{has}")
        return self.options[names.index(name)]

    def convert(self, option: str, value: object) -> OptionValue:
        """The value of an option in its declared type; raises MixerError for any other."""
        return self._explain(self.option(option).convert, value)

    def parse(self, option: str, text: str) -> OptionValue:
        """The value of an option written as text; raises MixerError where it means none."""
        return self._explain(self.option(option).parse, text)

    def minimal_options(self, options: Mapping[str, object]) -> dict[str, OptionValue]:
        """Converted options without those at their default: equal mixers, equal options.

        Raises:
            MixerError: an option that the mixer does not have, or a value of another type.
        """
        values = {name: self.convert(name, value) for name, value in options.items()}
        defaults = {option.name: option.default_value for option in self.options}
        return {
            name: value
            for name, value in values.items()
            if (type(value), value) != (type(defaults[name]), defaults[name])
        }

    def _explain(self, make: Callable[[Any], OptionValue], value: object) -> OptionValue:
        try:
            return make(value)
        except MixerError as error:
            raise MixerError(f"mixer {self.name!r}: {error}") from error


def register(
    name: str,
    *,
    paper: str,
    complexity: str,
    about: str = "",
    reconstructed: bool = False,
    differs: str | None = None,
    limits: dict[str, str] | None = None,
) -> Callable[[Class], Class]:
    """Declare a class as the mixer `name`.

    Arguments must be literals: they are read from the source as well, without running it.

    Args:
        name: what users type.
        paper: where the mechanism comes from, "arXiv 2508.01385".
        about: what it is, in six words at the most, for lists.
        complexity: cost in N = H*W tokens, C channels and whatever the mixer names.
        reconstructed: neither the paper's equations nor its code are publicly available.
        differs: in what it differs from the code of the paper's authors, compared in float64; ""
            for nothing, None where it was not compared.
        limits: what it cannot do and why: {"onnx": "...", "compile": "..."}.

    Raises:
        MixerError: the name belongs to another class already.
    """

    def declare(cls: Class) -> Class:
        declared = entries().get(name)
        if declared is None:  # a file outside the folders the registry reads
            declared = entries()[name] = _read_entry(name, cls)
        if (declared.module, declared.class_name) != (cls.__module__, cls.__qualname__):
            raise MixerError(
                f"mixer {name!r} is registered twice: {declared.module}.{declared.class_name} and "
                f"{cls.__module__}.{cls.__qualname__}"
            )
        return cls

    return declare


@cache
def entries() -> dict[str, MixerEntry]:
    """Every mixer by name: of this package, of the session's files and of installed packages.

    Raises:
        MixerError: two files declare the same name.
    """
    mixers: dict[str, MixerEntry] = {}
    for module, path in source_files():
        for declaration in read_declarations(path):
            name = declaration["name"]
            if name in mixers:
                other = mixers[name].module
                raise MixerError(f"mixer {name!r} is registered twice: in {other} and {module}")
            mixers[name] = MixerEntry(module=module, file=path, **declaration)
    return mixers


def entry(name: str) -> MixerEntry:
    """The entry called `name`; raises MixerError with the nearest and all available names."""
    if name not in entries():
        raise MixerError(unknown_name("mixer", name, sorted(entries())))
    return entries()[name]


def build(name: str, *, dim: int, num_heads: int = 1, **options: Any) -> Mixer:
    """Build the mixer `name` for `dim` channels.

    Raises:
        MixerError: unknown name, unknown option, or a value the mixer does not allow.
    """
    declaration = entry(name)
    for option in options:
        declaration.option(option)
    return declaration.load()(dim, num_heads, **options)


def add_files(paths: Iterable[Path], *, run: bool = True) -> None:
    """Add the mixers of further source files, for this process and those that it starts.

    Args:
        paths: of the files.
        run: whether to import them now, and so torch: what fails later fails for each arm.

    Raises:
        MixerError: a file that is missing, is not Python, declares no mixer, or fails when it is
            imported; the message names file and line.
    """
    files = [path.resolve() for path in paths]
    for path in files:
        try:
            declared = read_declarations(path)
        except SyntaxError as error:
            raise MixerError(f"{path}, line {error.lineno}: {error.msg}") from error
        except MixerError as error:
            raise MixerError(f"{path}, {error}") from error
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise MixerError(f"cannot read a mixer from {path}: {reason}") from error
        if not declared:
            raise MixerError(f"{path} declares no mixer: it has no class with @register(...)")
    os.environ[SESSION_FILES] = os.pathsep.join(map(str, dict.fromkeys([*session_files(), *files])))
    entries.cache_clear()
    for declaration in entries().values() if run else ():
        if declaration.file in files:
            import_or_explain(declaration.module, declaration.file)


def _read_entry(name: str, cls: type) -> MixerEntry:
    file = getattr(sys.modules.get(cls.__module__), "__file__", None)  # a notebook has none
    path = Path(file or os.devnull)
    for declaration in read_declarations(path):
        if declaration["name"] == name:
            return MixerEntry(module=cls.__module__, file=path, **declaration)
    raise MixerError(f"mixer {name!r} must be declared at the top level of a source file")
