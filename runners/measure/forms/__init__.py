"""Forms in which a network runs: eager, deploy, compile and onnx."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
