"""Checkpoint files, and the identity that a checkpoint shares with its training."""

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
_MODULE_ATTRIBUTES = frozenset(vars(nn.Module()))
_PLAIN_TYPES = (bool, int, float, str, type(None))


class CheckpointError(RuntimeError):
    """A checkpoint that is missing, damaged or of another training; the message says which."""


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write a state to a file, which is at any time the previous one or the whole new one.

    Missing folders are made. One process at a time may write to a path.

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
    """Read what `save_state` wrote, tensors on the CPU; no code in the file is run.

    Raises:
        CheckpointError: missing, or damaged, even by one bit.
    """
    try:
        content = io.BytesIO(path.read_bytes())
    except OSError as error:
        raise CheckpointError(
            f"cannot read checkpoint {path}: {error.strerror or error}"
        ) from error
    try:
        with zipfile.ZipFile(content) as archive:
            broken = archive.testzip()  # torch itself verifies no checksums
        if broken is not None:
            raise ValueError(f"wrong checksum of {broken}")
        content.seek(0)
        state = torch.load(content, map_location="cpu", weights_only=True)
        if not isinstance(state, dict):
            raise TypeError(f"holds a {type(state).__name__}, not a dict")
    except Exception as error:  # damaged bytes can raise almost anything
        raise CheckpointError(f"checkpoint {path} is damaged: {named_line(error)}") from error
    return state


def training_identity(
    network: nn.Module, dataset: Dataset, recipe: Recipe, seed: int, device: torch.device
) -> dict[str, Any]:
    """What a training and a checkpoint that it resumes from have in common; plain types."""
    splits = {"train": dataset.train, "val": dataset.val, "test": dataset.test}
    labels = {
        name: hashlib.sha256(split.labels.tobytes()).hexdigest() for name, split in splits.items()
    }
    # The checksum is the same at every resolution and of every subset.
    described = {"checksum": dataset.checksum, "resolution": dataset.resolution, **labels}
    return {
        "format": _FORMAT,
        "network": _hash_structure(network),
        "dataset": described,
        "recipe": recipe.to_dict(),
        "seed": seed,
        "device": device.type,
    }


def all_tensors(module: nn.Module) -> dict[str, Tensor]:
    """All parameters and buffers by name, including those that `state_dict` omits."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


@torch.no_grad()
def load_tensors(module: nn.Module, saved: Mapping[str, Tensor]) -> None:
    """Copy what `all_tensors` returned into a module; ValueError unless names and shapes agree."""
    own = all_tensors(module)
    if own.keys() != saved.keys():
        raise ValueError(f"different tensors: {', '.join(sorted(own.keys() ^ saved.keys()))}")
    for name, tensor in own.items():
        if (saved[name].shape, saved[name].dtype) != (tensor.shape, tensor.dtype):
            raise ValueError(f"{name} has another shape or type")
        tensor.copy_(saved[name])


def copy_to_cpu(value: Any) -> Any:
    """A deep copy of nested dicts and lists, with tensors on the CPU."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: copy_to_cpu(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copy_to_cpu(item) for item in value]
    return value


def _hash_structure(network: nn.Module) -> str:
    """SHA-256 of classes, settings and shapes, which do not change in training."""
    parts: list[object] = []
    for name, module in network.named_modules():
        # Settings such as a window or a number of heads are plain attributes.
        settings = sorted(
            (key, value)
            for key, value in vars(module).items()
            if key not in _MODULE_ATTRIBUTES and _is_plain(value)
        )
        parts.append((name, type(module).__qualname__, module.extra_repr(), settings))
    parts += [(name, tuple(t.shape), str(t.dtype)) for name, t in all_tensors(network).items()]
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _is_plain(value: object) -> bool:
    if isinstance(value, (tuple, list)):
        return all(_is_plain(item) for item in value)
    return isinstance(value, _PLAIN_TYPES)
