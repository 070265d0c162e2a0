"""Probes of a first pass within limits of time and memory."""

from __future__ import annotations

import re

import pytest
import torch

from runners.measure.memory.limit import (
    DoesNotFit,
    free_memory,
    is_out_of_memory,
    run_within_memory,
)
from runners.measure.memory.probe import probe_target
from runners.measure.targets import parse_target
from runners.processes.isolated import ProcessFailed, run_isolated
from runners.records.scale_point import PointState
from tests.runners.measure.odd_targets import Odd

MIB = 2**20


@pytest.mark.parametrize(
    ("target", "batch", "cap_ms", "mib", "state", "reason"),
    [
        (Odd("Plain"), 1, 1e6, 1000, PointState.MEASURED, ""),
        (parse_target("linear@14x14x16"), 2, 1e6, 1000, PointState.MEASURED, ""),
        (Odd("Greedy"), 4, 1e6, 1000, PointState.MEASURED, ""),
        (Odd("Greedy"), 4, 1e6, 50, PointState.OUT_OF_MEMORY, "allocate memory"),
        (Odd("Plain"), 10**12, 1e6, 1000, PointState.OUT_OF_MEMORY, "allocate memory"),
        (Odd("Killed"), 1, 1e6, 1000, PointState.OUT_OF_MEMORY, "the system killed its process"),
        (Odd("Raises"), 1, 1e6, 1000, PointState.FAILED, "^LookupError: nothing here$"),
        (Odd("Plain"), 1, 1e-6, 1000, PointState.PAST_CAP, "the cap is 1e-06 ms"),
    ],
)
def test_state_of_a_probe(target, batch, cap_ms, mib, state, reason):
    result = probe_target(target, batch, 1, cap_ms, mib * MIB)
    assert result.state == state and re.search(reason, result.reason)
    assert result.measured == (state is PointState.MEASURED) == (not result.reason)
    has_peak = result.peak_memory_bytes is not None
    assert has_peak == (state in (PointState.MEASURED, PointState.PAST_CAP))


def test_peak_is_that_of_the_batch():
    one, four = (probe_target(Odd("Greedy"), batch, 1, 1e6, 10**9) for batch in (1, 4))
    assert one.peak_memory_bytes >= 16 * MIB
    assert four.peak_memory_bytes - one.peak_memory_bytes >= 45 * MIB


@pytest.mark.parametrize(
    ("code", "limit", "error", "message"),
    [
        ("import torch; torch.ones(25 * 2**20)", 50 * MIB, DoesNotFit, "does not fit into memory"),
        ("bytearray(100 * 2**20)", 50 * MIB, DoesNotFit, "does not fit into memory"),
        ("1 / 0", 50 * MIB, ProcessFailed, "ZeroDivisionError"),
    ],
)
def test_run_within_memory(code, limit, error, message):
    with pytest.raises(error, match=message):
        run_isolated(60, run_within_memory, limit, exec, code)
    assert (
        run_isolated(60, run_within_memory, None, pow, 2, 3)
        == run_isolated(60, run_within_memory, limit, pow, 2, 3)
        == 8
    )


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), True),
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you"), True),
        (RuntimeError("Storage size calculation overflowed with sizes=[1]"), True),
        (RuntimeError("[ONNXRuntimeError] : 6 : RUNTIME_EXCEPTION : std::bad_alloc"), True),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ZeroDivisionError("division by zero"), False),
    ],
)
def test_is_out_of_memory(error, expected):
    assert is_out_of_memory(error) == expected


def test_free_memory_is_plausible():
    assert 2**20 < free_memory() < 2**50
