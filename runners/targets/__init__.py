"""What can be measured: a mixer on a map, a network of the house, of timm, or of a factory.

Naming a target needs no torch; building its module does.
"""

from runners.targets.factory import FactoryTarget
from runners.targets.mixer import MixerTarget
from runners.targets.network import NetworkTarget
from runners.targets.parse import parse
from runners.targets.target import Shape, Target, TargetError
from runners.targets.timm import TimmTarget

__all__ = [
    "FactoryTarget",
    "MixerTarget",
    "NetworkTarget",
    "Shape",
    "Target",
    "TargetError",
    "TimmTarget",
    "parse",
]
