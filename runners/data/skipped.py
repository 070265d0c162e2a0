"""What of an image folder is not read, counted by kind."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass, field

OTHER_KINDS = "other kinds"
"""Files whose extension is not that of an image."""
_LISTED = 5
"""Extensions in one message."""


@dataclass
class Skipped:
    """What was not read: number of files by kind, and extensions of files of other kinds."""

    counts: Counter[str] = field(default_factory=Counter)
    extensions: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, name: str = "") -> None:
        """Count one file; `name` is that of a file of another kind."""
        self.counts[kind] += 1
        if name:
            self.extensions[_extension(name)] += 1

    def subtract(self, kind: str, name: str) -> None:
        """Undo one `add`."""
        self.counts -= Counter([kind])
        self.extensions -= Counter([_extension(name)])

    def __add__(self, other: Skipped) -> Skipped:
        return Skipped(self.counts + other.counts, self.extensions + other.extensions)

    def __str__(self) -> str:
        """As "dead links: 3, other kinds (.heic .txt): 12"; empty where all is read."""
        kinds = [extension for extension, _ in self.extensions.most_common(_LISTED)]
        more = " ..." if len(self.extensions) > _LISTED else ""
        listed = {OTHER_KINDS: f" ({' '.join(kinds)}{more})"}
        counts = sorted(self.counts.items())
        return ", ".join(f"{kind}{listed.get(kind, '')}: {count:,}" for kind, count in counts)


def _extension(name: str) -> str:
    return os.path.splitext(name)[1].lower() or "no extension"
