"""One torch thread: on small maps a second one brings nothing, and on busy cores it costs much."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    import torch

    torch.set_num_threads(1)
