"""Search spaces: which architectures exist. Typed, from YAML or Python, without torch.

Load a `Space` with `load("tiny")` or `load("sweep.yaml")`, or make one with
`Space(base, dimensions)`.
"""

from search_space.constraint import Constraint
from search_space.dimension import Choice, Dimension, Integer, Real, Value, Values
from search_space.errors import SpaceError
from search_space.feasibility import Feasibility, require_feasible, survey
from search_space.load import PRESETS, from_dict, load
from search_space.space import Space

__all__ = [
    "PRESETS",
    "Choice",
    "Constraint",
    "Dimension",
    "Feasibility",
    "Integer",
    "Real",
    "Space",
    "SpaceError",
    "Value",
    "Values",
    "from_dict",
    "load",
    "require_feasible",
    "survey",
]
