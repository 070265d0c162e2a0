"""Token mixers, one per file: (B, C, H, W) -> (B, C, H, W). Importing this imports no torch.

`entries()` lists the mixers, `build("fwa", dim=64, num_heads=4)` makes one, and a new file with
one `@register(...)` class next to the others adds one.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
