"""The diff of two runs: what changed arm by arm, and which changes are regressions."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
