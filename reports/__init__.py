"""Records as tables and figures; knows flat rows only and imports neither torch nor runners.

Importing this package is cheap: pandas, matplotlib and SciPy are imported on first use.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
