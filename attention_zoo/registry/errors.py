"""What a user can get wrong about mixers."""

from __future__ import annotations


class MixerError(ValueError):
    """An unknown mixer, an unknown option or a value out of range; the message is one line."""
