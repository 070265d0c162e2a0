"""Imports that fresh processes need, done once by the server that forks them.

An optimiser's first step imports torch._dynamo, counting imports foreign counters: that takes a
second or more. A failing import is reported where it is used, not here.
"""

from __future__ import annotations

from contextlib import suppress
from importlib import import_module

for _name in ("runners.evaluate", "runners.measure.costs", "torch._dynamo"):
    with suppress(ImportError, RuntimeError):
        import_module(_name)
with suppress(ImportError):
    import_module("runners.measure.counting.import_ptflops").import_ptflops()
