"""One file over HTTP: resumed where it broke off, verified before it gets its name."""

from __future__ import annotations

import os
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from runners.records.errors import DataError

Progress: TypeAlias = Callable[[str, int, "int | None"], None]
"""Called with what is going on, bytes so far, and bytes in all (None where unknown)."""

TIMEOUT_SECONDS = 30.0
_ATTEMPTS = 5
_BLOCK = 2**18


def download(
    url: str,
    target: Path,
    verify: Callable[[Path], None],
    progress: Progress | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> None:
    """Fetch `url` into `target` through `target`.part, which a later call continues.

    Args:
        url: http or https address.
        target: final path; it appears only once `verify` has passed.
        verify: called with the path of the complete file; raises DataError if it is not right,
            whereupon the file is deleted.
        progress: called after each block.
        timeout: seconds without a byte until an attempt is given up.

    Raises:
        DataError: not an http(s) address, or `verify` refused the file.
        OSError, HTTPException: the server or the connection failed, or the disk is full.
    """
    _require_http(url)
    part = target.with_name(target.name + ".part")
    for attempt in range(1, _ATTEMPTS + 1):
        before = _size(part)
        try:
            _continue(url, part, progress, timeout)
            break
        except (ConnectionError, TimeoutError, HTTPException):
            # Only an attempt that got further earns another: a dead server would time out again.
            if attempt == _ATTEMPTS or _size(part) <= before:
                raise
    try:
        verify(part)
    except DataError:
        part.unlink()
        raise
    os.replace(part, target)


def _continue(url: str, part: Path, progress: Progress | None, timeout: float) -> None:
    """Append what is missing from `part`; ConnectionError if the body ends early."""
    have = _size(part)
    request = urllib.request.Request(url, headers={"User-Agent": "lolvit-bench"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response: HTTPResponse = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        with error:
            if error.code != 416 or not have:
                raise
            # Nothing after the last byte: complete, unless the server's file has become shorter.
            if error.headers.get("Content-Range") == f"bytes */{have}":
                return
        part.unlink()
        return _continue(url, part, progress, timeout)
    with response:
        _require_http(response.geturl())
        if response.status == 206:
            span = response.headers.get("Content-Range", "")
            if not span.startswith(f"bytes {have}-"):
                raise DataError(f"the server sent another range ({span}) than the one asked for")
        else:
            have = 0
        length = response.headers.get("Content-Length")
        total = have + int(length) if length and length.isdigit() else None
        with part.open("ab" if have else "wb") as stream:
            while block := response.read(_BLOCK):
                stream.write(block)
                have += len(block)
                if progress is not None:
                    progress(url, have, total)
    # http.client reports an early end of a sized body only for reads without a size.
    if total is not None and have < total:
        raise ConnectionError(f"connection closed after {have} of {total} bytes")


def _require_http(url: str) -> None:
    if urlsplit(url).scheme not in ("http", "https"):
        raise DataError(f"{url} is not an http or https address")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
