"""Mixers as they are written in a space: "fwa", "window:window=4,..."."""

from __future__ import annotations

from attention_zoo import MixerError
from lolvit import ArchitectureError, MixerConfig
from search_space.errors import SpaceError


def parse(text: object) -> MixerConfig:
    """The mixer written as `name` or `name:option=value,...`; raises SpaceError for others."""
    try:
        return MixerConfig.parse(text)  # type: ignore[arg-type]
    except (ArchitectureError, MixerError) as error:
        raise SpaceError(str(error)) from error
