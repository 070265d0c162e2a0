"""Reading what a system tells in files, below a root so that a test can lay out its own system."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Machine:
    """A system whose /proc and /sys lie below `root`; no method of it raises."""

    root: Path = Path("/")

    def text(self, path: str) -> str | None:
        """What the file holds, stripped; None where it is missing or cannot be read."""
        try:
            # Files of /sys may exist and still refuse: a core that is offline, a sensor asleep.
            return (self.root / path).read_text(encoding="utf-8", errors="replace").strip()
        except (OSError, ValueError):
            return None

    def number(self, path: str) -> int | None:
        """The whole number the file holds; None where it holds anything else."""
        return whole(self.text(path))

    def table(self, path: str) -> dict[str, int]:
        """First and second word of each line, where the second is a whole number."""
        rows = [line.split() for line in (self.text(path) or "").splitlines()]
        numbers = {row[0].rstrip(":"): whole(row[1]) for row in rows if len(row) > 1}
        return {name: number for name, number in numbers.items() if number is not None}

    def matching(self, pattern: str) -> list[str]:
        """Paths below the root that a glob pattern meets, sorted."""
        try:
            found = sorted(self.root.glob(pattern))
        except (OSError, ValueError):
            return []
        return [path.relative_to(self.root).as_posix() for path in found]

    def exists(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        try:
            return (self.root / path).exists()
        except (OSError, ValueError):
            return False


def whole(text: str | None) -> int | None:
    """The text as a whole number; None where it is none."""
    try:
        return int(text or "")
    except ValueError:
        return None
