"""A training in pieces equals the training in one, bit for bit."""

from __future__ import annotations

import dataclasses
import os
import random

import numpy as np
import pytest
import torch

from runners.data import ArraySplit
from runners.machine import device_lock
from runners.training import NonFiniteLoss
from runners.training.checkpoint import copy_to_cpu, load_state
from tests.runners import tiny
from tests.runners.training.training_runs import (
    CPU,
    RECIPE,
    Windowed,
    learned,
    make_run,
    run_training,
    same,
    stop,
    without_times,
)


def disturb():
    """What else may happen in a process between two epochs."""
    torch.manual_seed(99), torch.rand(7), np.random.rand(7), random.random()


@pytest.fixture(scope="module")
def whole():
    """The training in one: its state after each epoch, and its end."""
    run, states = make_run(), []
    while run.epochs_done < RECIPE.epochs:
        run.train_epoch()
        states.append(learned(run))
    return states, without_times(run.quality())


@pytest.mark.parametrize("mixer", ["none", pytest.param("softmax", marks=pytest.mark.slow)])
def test_resumed_after_each_epoch_is_uninterrupted_bit_for_bit(mixer, tmp_path):
    straight, path = make_run(mixer=mixer), tmp_path / "checkpoint"
    for epoch in range(RECIPE.epochs):
        straight.train_epoch()
        piece = make_run(mixer=mixer)
        if epoch:
            piece.load(path)
        disturb()
        piece.train_epoch()
        piece.save(path)
        assert piece.epochs_done == epoch + 1
        assert same(learned(piece), learned(straight))
    finish = make_run(mixer=mixer)
    finish.load(path)
    assert without_times(finish.quality()) == without_times(straight.quality())


@pytest.mark.parametrize(
    "part",
    ["network", "average", "optimizer", "schedule", "random.numpy", "random.torch"],
)
def test_every_part_of_the_state_matters(part, whole):
    # Else the test above could not see that a part is not restored.
    run, first, fresh = (make_run() for _ in range(3))
    first.train_epoch()
    state = first.state_dict()
    target, source = state["learner"], fresh.state_dict()["learner"]
    *way, last = part.split(".")
    for step in way:
        target, source = target[step], source[step]
    target[last] = source[last]
    run.load_state_dict(state)
    run.train_epoch()
    result = learned(run)
    assert not all(same(result[name], whole[0][1][name]) for name in ("network", "average"))


def test_draws_and_tests_between_epochs_change_nothing(whole):
    run, seen = make_run(), []
    for _ in range(RECIPE.epochs):
        disturb()
        run.train_epoch()
        seen.append(learned(run))
        other = make_run(seed=1)
        other.train_epoch()
        run.quality()
    assert same(seen, whole[0])
    assert without_times(run.quality()) == whole[1]


def test_the_global_generator_of_torch_is_unchanged():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run = make_run()
    run.train_epoch()
    run.quality()
    run.load_state_dict(run.state_dict())
    assert torch.equal(torch.rand(3), expected)


def test_train_equals_epoch_by_epoch(whole):
    assert without_times(run_training()) == whole[1]


@pytest.mark.parametrize("last", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_stopped_then_resumed_equals_uninterrupted(last, whole, tmp_path):
    path = tmp_path / "folder" / "checkpoint"
    early = run_training(path, should_continue=lambda quality: quality.epochs < last)
    assert early.epochs == last == len(early.curve)
    points = without_times(early)["curve"]
    assert points == whole[1]["curve"][:last]  # the schedule is that of all epochs
    assert early.test_accuracy is None and early.val_accuracy == points[-1]["val_accuracy"]
    steps = []
    late = run_training(path, on_step=lambda *step: steps.append(step))
    assert without_times(late) == whole[1]
    assert late.curve[:last] == early.curve  # rates included: they are not trained again
    assert steps[0] == (last + 1, last * 24 + 8, 72) and steps[-1] == (3, 72, 72)
    assert os.listdir(path.parent) == ["checkpoint"]
    steps.clear()
    assert without_times(run_training(path, on_step=lambda *step: steps.append(step))) == whole[1]
    assert steps == []  # nothing was left to train


def test_should_continue_is_called_after_each_epoch_but_the_last_and_on_resuming(tmp_path):
    path, epochs = tmp_path / "checkpoint", []

    def until(last):
        def should_continue(quality):
            assert quality.test_accuracy is None
            epochs.append(quality.epochs)
            return quality.epochs < last

        epochs.clear()
        return should_continue

    run_training(should_continue=until(9))
    assert epochs == [1, 2]
    assert run_training(path, should_continue=until(2)).epochs == 2
    assert epochs == [1, 2] and len(load_state(path)["curve"]) == 2
    assert run_training(path, should_continue=until(2)).epochs == 2
    assert epochs == [2]
    assert run_training(path, should_continue=until(3)).epochs == 3
    assert epochs == [2]
    assert run_training(path, should_continue=until(0)).epochs == 3
    assert epochs == []


def test_the_checkpoint_is_written_before_should_continue_is_called(tmp_path):
    path, is_written = tmp_path / "checkpoint", []

    def should_continue(quality):
        is_written.append(len(load_state(path)["curve"]) == quality.epochs)
        return True

    run_training(path, should_continue=should_continue)
    assert is_written == [True, True]


def test_a_stopped_training_does_not_read_the_test_split():
    class Unreadable(ArraySplit):
        def images(self, indices):
            raise AssertionError("the test split is read")

    data = tiny.dataset()
    test = Unreadable(data.test.images(np.arange(9)), data.test.labels)
    result = run_training(data=dataclasses.replace(data, test=test), should_continue=stop)
    assert result.epochs == 1


def test_seconds_add_up_over_resumes(tmp_path):
    run = make_run()
    run.train_epoch()
    state = run.state_dict()
    state["seconds"] += 1000
    resumed = make_run()
    resumed.load_state_dict(state)
    assert resumed.seconds == run.seconds + 1000
    resumed.train_epoch()
    seconds = resumed.seconds
    assert 1000 + run.seconds < seconds < 1100
    assert resumed.quality().train_seconds > seconds == resumed.seconds


def test_buffers_outside_the_state_dict_are_restored():
    straight, first, second = (make_run(network=Windowed()) for _ in range(3))
    straight.train_epoch(), straight.train_epoch()
    first.train_epoch()
    second.load_state_dict(first.state_dict())
    second.train_epoch()
    assert same(learned(second), learned(straight))


def test_a_state_is_a_copy_in_both_directions():
    run = make_run()
    run.train_epoch()
    state = run.state_dict()
    kept = copy_to_cpu(state)
    other = make_run()
    other.load_state_dict(state)
    run.train_epoch(), other.train_epoch()
    assert same(state, kept) and same(learned(run), learned(other))


def test_no_epoch_after_the_last_and_no_test_before_the_first():
    run = make_run(recipe=dataclasses.replace(RECIPE, epochs=1))
    with pytest.raises(RuntimeError, match="no epoch is done"):
        run.quality()
    assert run.train_epoch() == run.curve[0]
    with pytest.raises(RuntimeError, match="all 1 epochs are done"):
        run.train_epoch()


def test_after_a_failed_epoch_only_loading_is_allowed(whole):
    run = make_run()
    run.train_epoch()
    state = run.state_dict()

    def on_step(epoch, images, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.train_epoch(on_step)
    for use in (run.train_epoch, run.quality, run.state_dict):
        with pytest.raises(RuntimeError, match="the last epoch ended in an error"):
            use()
    run.load_state_dict(state)
    run.train_epoch()
    assert same(learned(run), whole[0][1])


def test_a_non_finite_loss_keeps_the_checkpoint_of_the_previous_epoch(tmp_path):
    class Poisoned(Windowed):
        def forward(self, x):
            return super().forward(x) * (float("nan") if self.steps > 4 else 1)

    path = tmp_path / "checkpoint"
    for _ in range(2):  # taken up, it diverges at the same step
        with pytest.raises(NonFiniteLoss, match="at epoch 2, step 2"):
            run_training(path, network=Poisoned())
        assert len(load_state(path)["curve"]) == 1


def test_the_device_is_free_between_epochs():
    run = make_run()
    run.train_epoch()
    with device_lock.lock_for_timing(CPU):
        with pytest.raises(RuntimeError, match="inside a timing"):
            run.train_epoch()
        state = run.state_dict()
    run.train_epoch()  # nothing had begun
    assert len(state["curve"]) == 1 and run.epochs_done == 2
