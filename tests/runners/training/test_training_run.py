"""A training in pieces is the training in one, bit for bit, or starts anew."""

from __future__ import annotations

import dataclasses
import errno
import os
import pickle
import random

import numpy as np
import pytest
import torch
from torch import nn

from runners.data.dataset import ArraySplit
from runners.machine import device_lock
from runners.records.errors import UserError
from runners.training import CheckpointError, NonFiniteLoss, Recipe, TrainingRun, train
from runners.training.checkpoint import copy_to_cpu, load_state
from tests.runners import tiny

CPU = torch.device("cpu")
# Everything that draws is on, and three epochs of a schedule that moves.
RECIPE = Recipe(
    epochs=3,
    batch_size=8,
    crop_padding=1,
    mixup=0.2,
    cutmix=1.0,
    erasing=0.5,
    learning_rate=3e-3,
    ema_decay=0.9,
)


def make_run(seed=0, recipe=RECIPE, data=None, dropout=0.5, **changes) -> TrainingRun:
    network = changes.pop("network", None) or tiny.network(seed=seed, dropout=dropout, **changes)
    return TrainingRun(network, data or tiny.dataset(), recipe, seed=seed, device=CPU)


def run_training(checkpoint=None, seed=0, **options):
    network = options.pop("network", None) or tiny.network(seed=seed, dropout=0.5)
    recipe = options.pop("recipe", RECIPE)
    data = options.pop("data", None) or tiny.dataset()
    result = train(network, data, recipe, seed=seed, device=CPU, checkpoint=checkpoint, **options)
    assert result.stopped == (result.quality.test_accuracy is None)
    return result.quality


def stop(quality):
    """A `should_continue` that stops after the first epoch."""
    return False


def without_times(quality):
    values = quality.model_dump(exclude={"train_seconds"})
    for point in values["curve"]:
        del point["images_per_s"]
    return values


def same(one, other):
    """Equal in every bit, nested dicts and lists of tensors included."""
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def disturb():
    """What else may happen in a process between two epochs."""
    torch.manual_seed(99), torch.rand(7), np.random.rand(7), random.random()


def learned(run):
    """All of a state but the clock's part."""
    return run.state_dict()["learner"]


@pytest.fixture(scope="module")
def whole():
    """The training in one: its state after each epoch, and its end."""
    run, states = make_run(), []
    while run.epochs_done < RECIPE.epochs:
        run.train_epoch()
        states.append(learned(run))
    return states, without_times(run.quality())


@pytest.mark.parametrize("mixer", ["none", "softmax"])
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
    found = learned(run)
    assert not all(same(found[name], whole[0][1][name]) for name in ("network", "average"))


def test_what_else_draws_or_tests_in_between_changes_nothing(whole):
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


def test_torchs_global_generator_is_left_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run = make_run()
    run.train_epoch()
    run.quality()
    run.load_state_dict(run.state_dict())
    assert torch.equal(torch.rand(3), expected)


def test_train_is_the_same_training(whole):
    assert without_times(run_training()) == whole[1]


@pytest.mark.parametrize("last", [1, 2])
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
def test_a_damaged_file_is_an_error_for_load_and_none_for_train(damage, stopped, whole, tmp_path):
    path = tmp_path / "checkpoint"
    path.write_bytes(DAMAGES[damage](stopped))
    run = make_run()
    before = run.state_dict()
    with pytest.raises(CheckpointError, match=r"^checkpoint .* is damaged: .") as caught:
        run.load(path)
    assert str(path) in str(caught.value) and same(run.state_dict(), before)
    seen = []
    assert without_times(run_training(path, on_step=lambda *step: seen.append(step[0]))) == whole[1]
    assert seen[0] == 1 and os.listdir(tmp_path) == ["checkpoint"]
    assert len(load_state(path)["curve"]) == 3


def test_any_torn_end_and_any_flipped_bit_is_noticed(stopped, tmp_path):
    path = tmp_path / "checkpoint"
    draw = random.Random(0)
    path.write_bytes(stopped)
    whole_state = load_state(path)
    for _ in range(60):
        place = draw.randrange(len(stopped))
        flipped = bytearray(stopped)
        flipped[place] ^= 1 << draw.randrange(8)
        for content in (stopped[:place], bytes(flipped)):
            path.write_bytes(content)
            try:
                found = load_state(path)
            except CheckpointError:
                continue
            assert same(found, whole_state)  # the bit was padding or a date


def test_code_in_a_file_is_not_run(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "sprung"),)

    torch.save({"identity": Trap()}, tmp_path / "checkpoint")
    with pytest.raises(CheckpointError, match="is damaged"):
        make_run().load(tmp_path / "checkpoint")
    assert os.listdir(tmp_path) == ["checkpoint"]


def test_a_missing_file_and_a_folder(tmp_path):
    with pytest.raises(CheckpointError, match=r"^cannot read checkpoint .*none: No such file"):
        make_run().load(tmp_path / "none")
    with pytest.raises(CheckpointError, match=r"^cannot read checkpoint "):
        make_run().load(tmp_path)


FOREIGN = {
    "seed": lambda: make_run(seed=1),
    "recipe": lambda: make_run(recipe=dataclasses.replace(RECIPE, epochs=4)),
    "network": lambda: make_run(dropout=0.4),
    "network, shapes": lambda: make_run(mixer="softmax"),
    "dataset": lambda: make_run(data=dataclasses.replace(tiny.dataset(), checksum="cd" * 32)),
    "dataset, sizes": lambda: make_run(data=tiny.dataset(val=7)),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_a_foreign_file_is_an_error_for_load(what, tmp_path):
    path = tmp_path / "checkpoint"
    other = FOREIGN[what]()
    other.train_epoch()
    other.save(path)
    run = make_run()
    before = run.state_dict()
    with pytest.raises(CheckpointError) as caught:
        run.load(path)
    key = what.partition(",")[0]
    assert str(caught.value) == f"checkpoint {path}: of a training with another {key}"
    assert same(run.state_dict(), before)


def test_train_starts_anew_beside_a_foreign_file(whole, tmp_path):
    path = tmp_path / "checkpoint"
    run_training(path, seed=1, should_continue=stop)
    assert without_times(run_training(path)) == whole[1]
    assert load_state(path)["identity"]["seed"] == 0
    torch.save({"weights": torch.ones(3)}, path)
    assert without_times(run_training(path)) == whole[1]


class Windowed(nn.Module):
    """A setting without a tensor of its own, and a buffer that no state_dict holds."""

    def __init__(self, window=2):
        super().__init__()
        self.inner, self._window = tiny.network(dropout=0.5), window
        self.register_buffer("steps", torch.zeros(()), persistent=False)

    def forward(self, x):
        if self.training:
            self.steps += 1
        return self.inner(x) * (1 + self.steps / 7) / self._window


def test_settings_tell_networks_apart():
    state = make_run(network=Windowed()).state_dict()
    make_run(network=Windowed()).load_state_dict(state)
    with pytest.raises(CheckpointError, match="another network"):
        make_run(network=Windowed(window=3)).load_state_dict(state)


def test_buffers_that_no_state_dict_holds_go_on_as_well():
    straight, first, second = (make_run(network=Windowed()) for _ in range(3))
    straight.train_epoch(), straight.train_epoch()
    first.train_epoch()
    second.load_state_dict(first.state_dict())
    second.train_epoch()
    assert same(learned(second), learned(straight))


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


def test_a_state_is_a_copy_in_both_directions():
    run = make_run()
    run.train_epoch()
    state = run.state_dict()
    kept = copy_to_cpu(state)
    other = make_run()
    other.load_state_dict(state)
    run.train_epoch(), other.train_epoch()
    assert same(state, kept) and same(learned(run), learned(other))


def test_a_save_that_fails_leaves_the_former_file_alone(monkeypatch, stopped, tmp_path):
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


def test_what_a_killed_process_left_behind_is_cleared(tmp_path):
    (tmp_path / "checkpoint.part").write_bytes(b"half of it")
    run_training(tmp_path / "checkpoint", should_continue=stop)
    assert os.listdir(tmp_path) == ["checkpoint"]


def test_no_epoch_after_the_last_and_no_test_before_the_first():
    run = make_run(recipe=dataclasses.replace(RECIPE, epochs=1))
    with pytest.raises(RuntimeError, match="no epoch is done"):
        run.quality()
    assert run.train_epoch() == run.curve[0]
    with pytest.raises(RuntimeError, match="all 1 epochs are done"):
        run.train_epoch()


def test_an_epoch_that_broke_off_is_no_base_but_a_checkpoint_is(whole):
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


def test_a_loss_that_is_no_number_leaves_the_checkpoint_of_the_epoch_before(tmp_path):
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
