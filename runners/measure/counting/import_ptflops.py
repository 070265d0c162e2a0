"""Import ptflops beside a torchvision or a timm that does not load."""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec

_OPTIONAL = ("torchvision", "timm")


def import_ptflops() -> None:
    """Make `import ptflops` work where an optional package of it is installed but does not load.

    ptflops takes layer classes from torchvision and timm, and expects ImportError where they are
    missing. A torchvision that was built for another torch raises RuntimeError instead, which
    would make ptflops itself fail; such packages are hidden while ptflops is imported.

    Raises:
        ImportError: ptflops is not installed.
    """
    if "ptflops" in sys.modules:
        return
    hidden = [name for name in _OPTIONAL if find_spec(name) is not None and not _loads(name)]
    try:
        # Python raises ModuleNotFoundError for a name whose entry is None.
        sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
        import_module("ptflops")
    finally:
        for name in hidden:
            del sys.modules[name]


def _loads(name: str) -> bool:
    try:
        import_module(name)
    except (ImportError, RuntimeError):
        return False
    return True
