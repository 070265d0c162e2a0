"""The source files of mixers: this package, files added for a session, installed packages."""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module, metadata
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

from attention_zoo.registry.errors import MixerError

ENTRY_POINT_GROUP = "attention_zoo"
SESSION_FILES = "ATTENTION_ZOO_FILES"
"""Environment variable: further source files, separated as in PATH; child processes inherit it."""

_SESSION_PREFIX = "attention_zoo_session_"


def source_files() -> list[tuple[str, Path]]:
    """Module name and file of every source that may declare mixers; runs none of them."""
    own = [(f"attention_zoo.{path.stem}", path) for path in sorted(_folder().glob("*.py"))]
    session = [(_SESSION_PREFIX + path.stem, path) for path in session_files()]
    points = metadata.entry_points(group=ENTRY_POINT_GROUP)
    installed = [(point.module, path) for point in points if (path := _source(point.module))]
    return own + session + installed


def session_files() -> list[Path]:
    """The files added for this session."""
    return [Path(text) for text in os.environ.get(SESSION_FILES, "").split(os.pathsep) if text]


def import_source(module: str, file: Path) -> ModuleType:
    """Import the module of a source file, and so torch."""
    if module in sys.modules or not module.startswith(_SESSION_PREFIX):
        return import_module(module)
    spec = spec_from_file_location(module, file)
    assert spec is not None and spec.loader is not None
    loaded = sys.modules[module] = module_from_spec(spec)
    try:
        spec.loader.exec_module(loaded)
    except BaseException:
        del sys.modules[module]  # half-run modules must not look imported
        raise
    return loaded


def import_or_explain(module: str, file: Path) -> None:
    """Import the module of a source file.

    Raises:
        MixerError: it fails; the message names the line of the file, and the error.
    """
    try:
        import_source(module, file)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too: the file may be a script
        frames = traceback.extract_tb(error.__traceback__)
        lines = [frame.lineno for frame in frames if frame.filename == str(file)]
        where = f"{file}, line {lines[-1]}" if lines else str(file)
        message = " ".join(str(error).split())
        raise MixerError(f"{where}: {type(error).__name__}: {message}".rstrip(": ")) from error


def _folder() -> Path:
    return Path(__file__).parents[1]


def _source(module: str) -> Path | None:
    """The file of a module, without running it or the packages above it."""
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
