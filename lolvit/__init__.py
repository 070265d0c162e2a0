"""LOLViT and its baselines: architectures as data (no torch) and as modules (torch, on first use).

LOLViT is a reconstruction from the abstract of arXiv 2508.01385; no authors' code or weights exist.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
