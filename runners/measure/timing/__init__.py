"""Timing in interleaved rounds: latency, the batch ladder, and whole sessions."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
