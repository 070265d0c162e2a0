"""Measure the costs of networks: MACs, memory, latency, throughput and energy, in any form.

Torch is imported on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
