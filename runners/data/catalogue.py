"""The named data sets, as data."""

from __future__ import annotations

from dataclasses import dataclass, replace

from attention_zoo import unknown_name
from runners.records.errors import DataError

DEFAULT = "fashion-mnist-mini"
FOLDER = "folder:"

_FASHION_CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)
_CIFAR_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


@dataclass(frozen=True)
class DatasetEntry:
    """One named data set. `resolution` in pixels; `validation` training images are held out."""

    name: str
    what: str
    images: str
    licence: str
    class_names: tuple[str, ...]
    channels: int
    resolution: int
    validation: int
    fetched: bool
    """False where the files ship with the project."""


_FASHION_MINI = DatasetEntry(
    name=DEFAULT,
    what="class-balanced subset of Fashion-MNIST",
    images="7,000 of 60,000 training and 2,000 of 10,000 test images",
    licence="MIT (Zalando SE)",
    class_names=_FASHION_CLASSES,
    channels=1,
    resolution=28,
    validation=1_000,
    fetched=False,
)
_FASHION = replace(
    _FASHION_MINI,
    name="fashion-mnist",
    what="Fashion-MNIST, complete",
    images="60,000 training and 10,000 test images",
    validation=5_000,
    fetched=True,
)
_CIFAR10 = DatasetEntry(
    name="cifar10",
    what="CIFAR-10, complete",
    images="50,000 training and 10,000 test images",
    licence="none stated; cite Krizhevsky 2009",
    class_names=_CIFAR_CLASSES,
    channels=3,
    resolution=32,
    validation=5_000,
    fetched=True,
)
ENTRIES = {entry.name: entry for entry in (_FASHION_MINI, _FASHION, _CIFAR10)}
NAMES = tuple(ENTRIES)


def get_entry(name: str) -> DatasetEntry:
    """The entry called `name`; DataError for an unknown name."""
    if name not in ENTRIES:
        raise DataError(unknown_name("data set", name, (*NAMES, f"{FOLDER}PATH")))
    return ENTRIES[name]
