"""Memory: limits, peaks of inference and training, and probes of a first pass."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
