"""Imports that fresh processes need, done once by the server that forks them.

An optimiser's first step imports torch._dynamo, counting imports foreign counters: that takes a
second or more. A failing import is reported where it is used, not here: ptflops
fails with a torchvision that was built for another torch.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module

for _name in ("runners.evaluate", "runners.measure.costs", "ptflops", "torch._dynamo"):
    with suppress(ImportError, RuntimeError):
        import_module(_name)
