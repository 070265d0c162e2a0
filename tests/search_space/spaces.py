"""Random spaces that are small enough to enumerate."""

from __future__ import annotations

import itertools
import math

from hypothesis import strategies as st

from lolvit import LolvitConfig, variant
from search_space import Choice, Space, SpaceError

BASES = [
    variant("lolvit_nano", resolution=32),
    variant("lolvit_xs"),
    variant("ghostnet_0.5", resolution=64),
]
POOL = {
    "width": (0.15, 0.25, 0.5, 1),
    "width.2": (0.5, 1.0, 2),
    "width.4": (0.5, 1.0),
    "depth.3": (1, 2),
    "depth.4": (1, 2, 5, 6),
    "depth.5": (1, 3),
    "blocks.3": (0, 1, 2),
    "blocks.4": (0, 2),
    "blocks.5": (1, 0),
    "after.3": (0, 1, 2),
    "after.4": (5, 1, 0, 2),
    "after.5": (2, 4),
    "mixer": ("fwa", "linear", "window:window=4"),
    "mixer.3": ("fwa", "softmax:relative_bias=true"),
    "mixer.4": ("window", "none", "linear"),
    "mixer.5": ("fwa:normalizer=softmax", "hilo"),
    "fwa.window": ("sqrt", 2, "fixed:3"),
    "fwa.window.4": (4, "sqrt"),
    "fwa.aggregate.3": ("mean", "mean+dw"),
    "window.window.4": (7, 3),
    "hilo.alpha": (0, 0.5, 1),
    "softmax.relative_bias.4": (False, True),
    "fusion": ("ghost", "add", "serial"),
    "heads": (1, 2, 8),
    "heads.5": (4, 2),
    "expansion": (1, 0.5),
    "expansion.2": (1.5, 1),
    "kernel": (0, 3, 7),
    "kernel.4": (5, 0),
    "squeeze": ("table", "all", "none"),
    "resolution": (32, 64, 128),
    "downsampling": ("strided", "deformable"),
    "trunk_channels": (480, 960),
    "feature_channels": (160, 320, 1280),
}


@st.composite
def spaces(draw: st.DrawFn, *, max_size: int = 3000) -> Space:
    """Draw a base and a few dimensions of the pool, some of them with conditions."""
    base = draw(st.sampled_from(BASES))
    names = draw(st.lists(st.sampled_from(sorted(POOL)), min_size=1, max_size=7, unique=True))
    space = Space(base, ())
    for name in names:
        choices = draw(
            st.lists(st.sampled_from(POOL[name]), min_size=1, max_size=4, unique_by=repr)
        )
        when = {}
        if space.dimensions and draw(st.integers(0, 3)) == 0:
            other = draw(st.sampled_from(space.dimensions))
            when = {other.name: [draw(st.sampled_from(other.values))]}
        try:  # a dimension that conflicts with the others is left out
            space = Space(base, (*space.dimensions, Choice(name, tuple(choices), when=when)))
        except SpaceError:
            continue
        if math.prod(len(d.values) for d in space.dimensions) > max_size:
            return Space(base, space.dimensions[:-1])
    return space


def all_values(space: Space):
    """Yield every combination of values, equivalent ones included."""
    names = [dimension.name for dimension in space.dimensions]
    for values in itertools.product(*(dimension.values for dimension in space.dimensions)):
        yield dict(zip(names, values, strict=True))


def key(values: dict) -> frozenset:
    """Return the values as a set in which True is not 1."""
    return frozenset((name, repr(value)) for name, value in values.items())


def base_of(**changes) -> LolvitConfig:
    return variant("lolvit_nano", resolution=32, **changes)
