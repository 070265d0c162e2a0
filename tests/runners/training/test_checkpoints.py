"""Checkpoint files: whole or refused, of this training or ignored."""

from __future__ import annotations

import dataclasses
import errno
import os
import pickle
import random
import shutil
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from runners.records.errors import UserError
from runners.training import CheckpointError
from runners.training.checkpoint import load_state
from tests.runners import tiny
from tests.runners.training.training_runs import (
    RECIPE,
    Windowed,
    make_run,
    run_training,
    same,
    stop,
    without_times,
)


@pytest.fixture(scope="module")
def uninterrupted():
    """The quality of a training without a checkpoint."""
    return without_times(run_training())


def flip_a_bit(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


DAMAGES = {
    "empty": lambda content: b"",
    "truncated": lambda content: content[: len(content) // 2],
    "a little short": lambda content: content[:-1],
    "one bit": flip_a_bit,
    "text": lambda content: b"not a checkpoint\n",
    "pickle": lambda content: pickle.dumps({"identity": {}}),
}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """The bytes of a checkpoint after one epoch."""
    path = tmp_path_factory.mktemp("stopped") / "checkpoint"
    run_training(path, should_continue=stop)
    return path.read_bytes()


@pytest.mark.parametrize("damage", DAMAGES)
def test_load_refuses_a_damaged_file_and_train_ignores_it(damage, stopped, uninterrupted, tmp_path):
    path = tmp_path / "checkpoint"
    path.write_bytes(DAMAGES[damage](stopped))
    run = make_run()
    before = run.state_dict()
    with pytest.raises(CheckpointError, match=r"^checkpoint .* is damaged: .") as caught:
        run.load(path)
    assert str(path) in str(caught.value) and same(run.state_dict(), before)
    seen = []
    assert (
        without_times(run_training(path, on_step=lambda *step: seen.append(step[0])))
        == uninterrupted
    )
    assert seen[0] == 1 and os.listdir(tmp_path) == ["checkpoint"]
    assert len(load_state(path)["curve"]) == 3


def test_truncation_and_flipped_bits_are_detected(stopped, tmp_path):
    path = tmp_path / "checkpoint"
    draw = random.Random(0)
    path.write_bytes(stopped)
    original = load_state(path)
    for _ in range(60):
        position = draw.randrange(len(stopped))
        flipped = bytearray(stopped)
        flipped[position] ^= 1 << draw.randrange(8)
        for content in (stopped[:position], bytes(flipped)):
            path.write_bytes(content)
            try:
                state = load_state(path)
            except CheckpointError:
                continue
            assert same(state, original)  # the bit was padding or a date


def test_code_in_a_file_is_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    torch.save({"identity": Trap()}, tmp_path / "checkpoint")
    with pytest.raises(CheckpointError, match="is damaged"):
        make_run().load(tmp_path / "checkpoint")
    assert os.listdir(tmp_path) == ["checkpoint"]


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match=r"^cannot read checkpoint .*none: No such file"):
        make_run().load(tmp_path / "none")
    with pytest.raises(CheckpointError, match=r"^cannot read checkpoint "):
        make_run().load(tmp_path)


OTHER_TRAININGS = {
    "seed": lambda: make_run(seed=1),
    "recipe": lambda: make_run(recipe=dataclasses.replace(RECIPE, epochs=4)),
    "network": lambda: make_run(dropout=0.4),
    "network, shapes": lambda: make_run(mixer="softmax"),
    "dataset": lambda: make_run(data=dataclasses.replace(tiny.dataset(), checksum="cd" * 32)),
    "dataset, sizes": lambda: make_run(data=tiny.dataset(val=7)),
}


@pytest.mark.parametrize("what", OTHER_TRAININGS)
def test_load_refuses_a_checkpoint_of_another_training(what, tmp_path):
    path = tmp_path / "checkpoint"
    other = OTHER_TRAININGS[what]()
    other.train_epoch()
    other.save(path)
    run = make_run()
    before = run.state_dict()
    with pytest.raises(CheckpointError) as caught:
        run.load(path)
    key = what.partition(",")[0]
    assert str(caught.value) == f"checkpoint {path}: of a training with another {key}"
    assert same(run.state_dict(), before)


def test_train_ignores_a_checkpoint_of_another_training(uninterrupted, tmp_path):
    path = tmp_path / "checkpoint"
    run_training(path, seed=1, should_continue=stop)
    assert without_times(run_training(path)) == uninterrupted
    assert load_state(path)["identity"]["seed"] == 0
    torch.save({"weights": torch.ones(3)}, path)
    assert without_times(run_training(path)) == uninterrupted


def test_a_save_that_fails_keeps_the_previous_file(monkeypatch, stopped, tmp_path):
    path = tmp_path / "checkpoint"
    path.write_bytes(stopped)
    run = make_run()
    run.load(path)
    run.train_epoch()

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"^cannot write checkpoint .*: No space left on device$"):
        run.save(path)
    assert path.read_bytes() == stopped and os.listdir(tmp_path) == ["checkpoint"]


def test_the_partial_file_of_a_killed_process_is_replaced(tmp_path):
    (tmp_path / "checkpoint.part").write_bytes(b"half of it")
    run_training(tmp_path / "checkpoint", should_continue=stop)
    assert os.listdir(tmp_path) == ["checkpoint"]


def test_networks_with_other_settings_are_refused():
    state = make_run(network=Windowed()).state_dict()
    make_run(network=Windowed()).load_state_dict(state)
    with pytest.raises(CheckpointError, match="another network"):
        make_run(network=Windowed(window=3)).load_state_dict(state)


@pytest.mark.parametrize(
    "break_it",
    [
        lambda state: state.pop("curve"),
        lambda state: state["learner"].pop("random"),
        lambda state: state["learner"]["average"].popitem(),
        lambda state: state["learner"]["random"].update(torch=torch.zeros(3, dtype=torch.uint8)),
        lambda state: state["learner"]["optimizer"]["param_groups"].pop(),
        lambda state: state["curve"][0].pop("epoch"),
        lambda state: state.update(seconds="long"),
    ],
)
def test_an_incomplete_state_changes_nothing(break_it):
    run, first = make_run(), make_run()
    first.train_epoch()
    before, state = run.state_dict(), first.state_dict()
    break_it(state)
    with pytest.raises(CheckpointError, match=r"^not the state of a training: .*\w"):
        run.load_state_dict(state)
    assert same(run.state_dict(), before)
    assert run.epochs_done == 0 and run.seconds == 0


class SmallNetwork(nn.Module):
    """A network without modules of torch, whose settings may differ by version."""

    def __init__(self):
        super().__init__()
        generator = torch.Generator().manual_seed(0)
        self.kernel = nn.Parameter(0.3 * torch.randn(4, 1, 3, 3, generator=generator))
        self.head = nn.Parameter(0.3 * torch.randn(tiny.CLASSES, 4, generator=generator))
        self.register_buffer("steps", torch.zeros(()), persistent=False)

    def forward(self, x):
        if self.training:
            self.steps += 1
        features = F.relu(F.conv2d(x, self.kernel)).mean((2, 3))
        return F.linear(F.dropout(features, 0.2, self.training), self.head)


def test_a_checkpoint_of_an_earlier_version_is_resumed(tmp_path):
    # Written after one epoch of this training, by a version with another training loop.
    path = tmp_path / "checkpoint"
    shutil.copy(Path(__file__).with_name("checkpoint_format_1.pt"), path)
    epochs = []
    resumed = run_training(
        path, network=SmallNetwork(), on_step=lambda epoch, *_: epochs.append(epoch)
    )
    assert epochs == [2] * 3 + [3] * 3
    straight = run_training(network=SmallNetwork())
    losses = [[point.train_loss for point in run.curve] for run in (resumed, straight)]
    assert losses[0] == pytest.approx(losses[1], rel=1e-4)  # other machines round differently
