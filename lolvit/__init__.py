"""LOLViT and its baselines: architectures as data (no torch) and as modules (torch, on first use).

LOLViT is a reconstruction from the abstract of arXiv 2508.01385; no authors' code or weights exist.
"""

from typing import TYPE_CHECKING, Any

from lolvit.config import Architecture, LolvitConfig, MobileVitConfig, from_dict
from lolvit.fields import ArchitectureError
from lolvit.mixer_config import MixerConfig
from lolvit.variants import VARIANTS, variant

if TYPE_CHECKING:
    from lolvit.network import build

__all__ = [
    "VARIANTS",
    "Architecture",
    "ArchitectureError",
    "LolvitConfig",
    "MixerConfig",
    "MobileVitConfig",
    "build",
    "from_dict",
    "variant",
]


def __getattr__(name: str) -> Any:
    if name == "build":  # the one name that needs torch
        from lolvit.network import build

        return build
    raise AttributeError(f"module 'lolvit' has no attribute {name!r}")
