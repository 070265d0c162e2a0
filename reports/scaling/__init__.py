"""A scaling study: how time and MACs of mixers grow with the map."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
