"""How many CPU threads may be asked for."""

from __future__ import annotations

from runners.machine.fingerprint import usable_cores
from runners.records.errors import UserError


def check_threads(threads: int | None) -> None:
    """Raise UserError for more threads than cores: thousands of them crash the process."""
    if threads is not None and threads > usable_cores():
        raise UserError(f"--threads {threads}: this machine has {usable_cores()} cores to use")
