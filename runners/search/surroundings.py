"""The machine that evaluates, asked once a process: a trial must not wait for git."""

from __future__ import annotations

from functools import lru_cache


@lru_cache
def _of(device: str) -> dict[str, str | int | bool]:
    import torch

    from runners.machine.fingerprint import fingerprint

    return fingerprint(torch.device(device))


def surroundings(device: str) -> dict[str, str | int | bool]:
    """The fingerprint of this machine and device, as it was at the first call."""
    return dict(_of(device))
