"""This machine: its facts and fitness for timing, device locks, and energy counters.

Torch is imported on first use: the doctor starts without it.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
