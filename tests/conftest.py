"""One torch thread: on small maps a second one brings nothing, and on busy cores it costs much."""

from __future__ import annotations

import pytest
from hypothesis import settings


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    import torch

    torch.set_num_threads(1)


# On busy cores an example may take any time: slowness here is no failure.
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")
