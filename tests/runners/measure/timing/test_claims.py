"""What the suite claims of latencies: seldom a difference where there is none, mostly where one is.

Each session times a network, a copy of it, and a copy that is 5 % slower: 200 times over.
"""

from __future__ import annotations

import copy
import time
from functools import partial

import pytest
import torch

import attention_zoo
import lolvit
from reports.statistics.ratios import is_separable, ratio_interval
from runners.cli import measuring_options
from runners.machine.device_lock import lock_for_timing
from runners.measure.timing.latency import interleave, time_cpu
from runners.measure.timing.protocol import Rounds

SESSIONS, SLOW_DOWN = 200, 0.05
# As `bench.py measure` has it, where nothing is asked for.
ROUNDS = Rounds(
    most=measuring_options.ROUNDS,
    least=measuring_options.LEAST_ROUNDS,
    budget_s=16.0,
    precision=measuring_options.PRECISION,
)


def mixer(name):
    torch.manual_seed(0)
    return attention_zoo.build(name, dim=64, num_heads=4).eval(), torch.randn(1, 64, 14, 14)


def network():
    architecture = lolvit.variant("lolvit_nano", resolution=28, in_channels=1, num_classes=10)
    return lolvit.build(architecture, seed=0).eval(), torch.randn(1, 1, 28, 28)


def slowed(call):
    """The call, and 5 % of its own time on top, spent in doing nothing."""
    start = time.perf_counter_ns()
    call()
    end = start + (1 + SLOW_DOWN) * (time.perf_counter_ns() - start)
    while time.perf_counter_ns() < end:
        pass


def copied(module, x):
    return partial(copy.deepcopy(module), x.clone())


@pytest.mark.alone
@pytest.mark.parametrize(
    "made",
    [partial(mixer, "fwa"), partial(mixer, "softmax"), network],
    ids=["fwa", "softmax", "net"],
)
def test_a_difference_is_claimed_where_one_is(made):
    module, x = made()
    fresh = {
        "first": partial(copied, module, x),
        "same": partial(copied, module, x),
        "slow": lambda: partial(slowed, copied(module, x)),
    }
    claims = {"same": 0, "slow": 0}
    with lock_for_timing("cpu"), torch.inference_mode():
        for seed in range(SESSIONS):
            samples = interleave(fresh, time_cpu, ROUNDS, seed)
            for name in claims:
                _, low, high = ratio_interval(
                    samples.ms[name], samples.ms["first"], blocks=samples.blocks
                )
                claims[name] += low > 1 if name == "slow" else is_separable(low, high)
    print(f"\n{claims} of {SESSIONS}")
    assert claims["same"] <= 0.05 * SESSIONS
    assert claims["slow"] >= 0.95 * SESSIONS
