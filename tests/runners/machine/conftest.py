"""Fixtures for tests of machine facts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from runners.machine import facts


@pytest.fixture
def fake_psutil(monkeypatch):
    """A psutil without any function; a test sets those it needs."""
    fake = SimpleNamespace()
    monkeypatch.setattr(facts, "psutil", fake)
    return fake
