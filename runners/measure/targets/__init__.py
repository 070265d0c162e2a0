"""Measurement targets: mixers on a map, networks of this package or of timm, Python functions.

Parsing a target imports no torch; building its module does.
"""

from runners.measure.targets.factory import FactoryTarget
from runners.measure.targets.network import MixerTarget, NetworkTarget
from runners.measure.targets.parse import parse_target
from runners.measure.targets.target import InputShape, Target, TargetError
from runners.measure.targets.timm import TimmTarget

__all__ = [
    "FactoryTarget",
    "InputShape",
    "MixerTarget",
    "NetworkTarget",
    "Target",
    "TargetError",
    "TimmTarget",
    "parse_target",
]
