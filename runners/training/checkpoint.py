"""The state of a training as a file, and what tells one training from another."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from reports.files import atomic_write
from runners.data.dataset import Dataset
from runners.records.errors import UserError, named_line
from runners.training.recipe import Recipe

_FORMAT = 1
_OF_EVERY_MODULE = frozenset(vars(nn.Module()))
_PLAIN = (bool, int, float, str, type(None))


class CheckpointError(RuntimeError):
    """A checkpoint that is missing, damaged or of another training; the message says which."""


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Put a state into a file; whenever this is stopped, a former file is whole or replaced.

    The folder is made if need be. One process at a time may write to a path.

    Raises:
        UserError: the file cannot be written.
    """
    # In memory first: torch hides what is wrong with a file (a full disk) behind its own errors.
    content = io.BytesIO()
    torch.save(dict(state), content)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as draft:
            draft.write_bytes(content.getbuffer())
    except OSError as error:
        raise UserError(f"cannot write checkpoint {path}: {error.strerror or error}") from error


def load_state(path: Path) -> dict[str, Any]:
    """What `save_state` wrote, tensors on the CPU; no code in the file is run.

    Raises:
        CheckpointError: missing, or damaged, be it by one bit.
    """
    try:
        content = io.BytesIO(path.read_bytes())
    except OSError as error:
        raise CheckpointError(
            f"cannot read checkpoint {path}: {error.strerror or error}"
        ) from error
    try:
        with zipfile.ZipFile(content) as archive:
            broken = archive.testzip()  # torch itself compares no checksums
        if broken is not None:
            raise ValueError(f"wrong checksum of {broken}")
        content.seek(0)
        state = torch.load(content, map_location="cpu", weights_only=True)
        if not isinstance(state, dict):
            raise TypeError(f"holds a {type(state).__name__}, not a dict")
    except Exception as error:  # bytes of any kind make torch and zipfile raise errors of any kind
        raise CheckpointError(f"checkpoint {path} is damaged: {named_line(error)}") from error
    return state


def training_identity(
    network: nn.Module, dataset: Dataset, recipe: Recipe, seed: int, device: torch.device
) -> dict[str, Any]:
    """What must be equal for one training to go on with the state of another; plain types."""
    splits = {"train": dataset.train, "val": dataset.val, "test": dataset.test}
    return {
        "format": _FORMAT,
        "network": _structure(network),
        "dataset": {
            "checksum": dataset.checksum,  # the same at every resolution and of every subset
            "resolution": dataset.resolution,
            **{
                name: hashlib.sha256(split.labels.tobytes()).hexdigest()
                for name, split in splits.items()
            },
        },
        "recipe": recipe.to_dict(),
        "seed": seed,
        "device": device.type,
    }


def all_tensors(module: nn.Module) -> dict[str, Tensor]:
    """All parameters and buffers by name, the ones that `state_dict` leaves out included."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


@torch.no_grad()
def load_tensors(module: nn.Module, saved: Mapping[str, Tensor]) -> None:
    """Fill a module with what `all_tensors` returned of its like; ValueError if it is unlike."""
    own = all_tensors(module)
    if own.keys() != saved.keys():
        raise ValueError(f"other tensors: {', '.join(sorted(own.keys() ^ saved.keys()))}")
    for name, tensor in own.items():
        if (saved[name].shape, saved[name].dtype) != (tensor.shape, tensor.dtype):
            raise ValueError(f"{name} is of another shape or type")
        tensor.copy_(saved[name])


def copy_to_cpu(value: Any) -> Any:
    """A copy of nested dicts, lists and tensors that shares nothing; tensors on the CPU."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: copy_to_cpu(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copy_to_cpu(item) for item in value]
    return value


def _structure(network: nn.Module) -> str:
    """SHA-256 of classes, settings and shapes: weights differ in training, these must not."""
    # Settings without a tensor of their own (a window, a number of heads) are plain attributes.
    parts: list[object] = [
        (name, type(module).__qualname__, module.extra_repr(), _settings(module))
        for name, module in network.named_modules()
    ]
    parts += [(name, tuple(t.shape), str(t.dtype)) for name, t in all_tensors(network).items()]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _settings(module: nn.Module) -> list[tuple[str, object]]:
    return sorted(
        (name, value)
        for name, value in vars(module).items()
        if name not in _OF_EVERY_MODULE and _is_plain(value)
    )


def _is_plain(value: object) -> bool:
    if isinstance(value, (tuple, list)):
        return all(_is_plain(item) for item in value)
    return isinstance(value, _PLAIN)
