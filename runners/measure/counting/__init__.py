"""Multiply-accumulates of any network: counted, by formula, and compared with other counters.

fvcore and ptflops, which take seconds to import, are imported on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
