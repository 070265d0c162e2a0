"""The files of an image folder, by split and class, and what of it is not read.

The layouts: PATH/{train,val}/<class>/**, images at any depth, as torchvision's ImageFolder reads
them; or, as in Tiny ImageNet, a val/ without class folders, whose val_annotations.txt has a line
"image <tab> class ..." for each image.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from unicodedata import normalize

import numpy as np

from runners.data.dataset import Labels
from runners.data.skipped import OTHER_KINDS, Skipped
from runners.records.errors import DataError

EXTENSIONS = (
    *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".bmp", ".dib", ".webp", ".gif", ".avif"),
    *(".ppm", ".pgm", ".pbm", ".pnm", ".tif", ".tiff", ".jp2", ".j2k", ".tga"),
)
"""What is read as an image; of several frames, the first."""
SPLITS = ("train", "val")
_ANNOTATIONS = "val_annotations.txt"
_HIDDEN, _DEAD = "hidden", "dead links"
_OUTSIDE, _UNLISTED = "images outside of class folders", f"images that {_ANNOTATIONS} lacks"
_LISTED = 5
"""Classes in one message."""


@dataclass(frozen=True)
class Layout:
    """The classes of an image folder, in NFC and sorted, and the folder of each by split.

    A split without class folders is missing in `folders`.
    """

    path: Path
    classes: tuple[str, ...]
    folders: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Listing:
    """The image files of one split, sorted by class and name, with the class of each."""

    names: list[str]
    """Relative to PATH, with slashes. Not Path objects: a million would take most of a GiB."""
    labels: Labels
    sizes: list[int]
    """Bytes."""
    skipped: Skipped


def read_layout(path: Path) -> Layout:
    """The classes of the image folder `path`, without a look into class folders.

    Names that differ in their Unicode form only, as copies from another system do, are one class.

    Raises:
        DataError: `path`, train/ or val/ missing, fewer than two classes, other classes in val/,
            or two folders of one split whose names look equal.
    """
    if not path.is_dir():
        raise DataError(f"there is no image folder {path}")
    by_split = {split: _class_folders(path / split) for split in SPLITS}
    learn, test = by_split.values()
    if len(learn) < 2:
        raise DataError(
            f"{path / 'train'} has {len(learn)} class folders; at least 2 are needed"
            + _outside(path / "train")
        )
    if not learn.keys() & test.keys():
        if (path / "val" / _ANNOTATIONS).is_file():
            del by_split["val"]
            test = learn
        elif len(test) < 2 and (hint := _outside(path / "val")):
            raise DataError(f"{path / 'val'} has no folder of a class of train/{hint}")
    for own, other, split in ((learn, test, "train"), (test, learn, "val")):
        if extra := sorted(own.keys() - other.keys()):
            more = len(extra) - _LISTED
            listed = ", ".join(extra[:_LISTED]) + (f" and {more} more" if more > 0 else "")
            raise DataError(
                f"{path}: train/ and val/ need the same classes; only in {split}/: {listed}"
            )
    classes = tuple(sorted(learn))
    folders = {split: tuple(names[name] for name in classes) for split, names in by_split.items()}
    return Layout(path, classes, folders)


def list_split(layout: Layout, split: str) -> Listing:
    """The images of PATH/<split>; all other files are counted as skipped.

    Raises:
        DataError: a class without an image; annotations that do not fit the files.
    """
    skipped = Skipped()
    if split in layout.folders:
        files = list(_files_by_folder(layout, split, skipped))
    else:
        files = _annotated_files(layout, split, skipped)
    missing = set(range(len(layout.classes))) - {label for label, _, _ in files}
    if missing:
        first = layout.classes[min(missing)]
        name = layout.folders[split][min(missing)] if split in layout.folders else first
        only = f"; skipped in {split}/: {skipped}" if str(skipped) else ""
        raise DataError(
            f"class folder {layout.path / split / name} has no image ({' '.join(EXTENSIONS)}){only}"
        )
    files.sort()
    labels = np.array([label for label, _, _ in files], np.int64)
    return Listing([name for _, name, _ in files], labels, [size for _, _, size in files], skipped)


def _class_folders(folder: Path) -> dict[str, str]:
    """The folders of a split by their names in NFC."""
    folders: dict[str, str] = {}
    for entry in _scan(folder):
        if entry.name.startswith(".") or not entry.is_dir():
            continue
        name = normalize("NFC", entry.name)
        if name in folders:
            raise DataError(
                f"{folder} has two folders {name} whose names differ in Unicode form only; "
                "put their images into one"
            )
        folders[name] = entry.name
    return folders


def _outside(folder: Path) -> str:
    """What to do about images that lie in a split itself or in one folder; empty if there are none.

    Looks at few files, for a message.
    """
    image = next(_walk(folder, Skipped()), None)
    if image is None:
        return ""
    return f", but images such as {image[0]}; put each into a folder named as its class"


def _files_by_folder(
    layout: Layout, split: str, skipped: Skipped
) -> Iterator[tuple[int, str, int]]:
    """(label, name, bytes) of every image below a class folder."""
    for entry in _scan(layout.path / split):
        if entry.name.startswith("."):
            skipped.add(_HIDDEN)
        elif not entry.is_dir():
            _classify(entry, skipped, _OUTSIDE)
    for label, name in enumerate(layout.folders[split]):
        for below, size in _walk(layout.path / split / name, skipped):
            yield label, f"{split}/{name}/{below}", size


def _annotated_files(layout: Layout, split: str, skipped: Skipped) -> list[tuple[int, str, int]]:
    """(label, name, bytes) of every image that the annotations list."""
    file = layout.path / split / _ANNOTATIONS
    labels = {name: label for label, name in enumerate(layout.classes)}
    images = {}
    for name, size in _walk(layout.path / split, skipped):
        if (short := name.rpartition("/")[2]) in images:
            raise DataError(f"two images of {layout.path / split} are called {short}; rename one")
        images[short] = name, size
    files = []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {file}: {error}") from error
    for number, line in enumerate(filter(str.strip, lines), 1):
        image, _, rest = line.partition("\t")
        kind = normalize("NFC", rest.partition("\t")[0].strip())
        if kind not in labels or image not in images:
            what = f"class {kind!r} is not in train/" if kind not in labels else "no such image"
            raise DataError(f"{file}, line {number}: {image}: {what}, or it is listed twice")
        name, size = images.pop(image)
        files.append((labels[kind], f"{split}/{name}", size))
    for _ in images:
        skipped.add(_UNLISTED)
    skipped.subtract(OTHER_KINDS, _ANNOTATIONS)
    return files


def _walk(
    folder: Path, skipped: Skipped, below: str = "", above: tuple[str, ...] = ()
) -> Iterator[tuple[str, int]]:
    """(name relative to the first folder, bytes) of every image at any depth, following links."""
    real = os.path.realpath(folder)
    if real in above:  # a link to a folder that holds it
        skipped.add("links to a folder above")
        return
    for entry in _scan(folder):
        if entry.name.startswith("."):
            skipped.add(_HIDDEN)
        elif entry.is_dir():
            path = Path(entry.path)
            yield from _walk(path, skipped, f"{below}{entry.name}/", (*above, real))
        elif _classify(entry, skipped):
            yield below + entry.name, entry.stat().st_size


def _classify(entry: os.DirEntry[str], skipped: Skipped, kind: str = "") -> bool:
    """Whether a file is an image; others, and with `kind` images too, are counted as skipped."""
    if not entry.is_file():
        dead = entry.is_symlink() and not os.path.exists(entry.path)
        skipped.add(_DEAD if dead else "neither files nor folders")
    elif not entry.name.lower().endswith(EXTENSIONS):
        skipped.add(OTHER_KINDS, entry.name)
    elif kind:
        skipped.add(kind)
    else:
        return True
    return False


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    """The entries of `folder`."""
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        raise DataError(
            f"there is no folder {folder}; the layout is train/<class>/* and val/<class>/*"
        ) from None
    except OSError as error:
        raise DataError(f"cannot read {folder}: {error.strerror}") from error
