"""The front of a sweep: tables, figure, files, and what is new since the last publication."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
