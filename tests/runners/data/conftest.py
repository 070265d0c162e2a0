"""A web server on the loopback interface, and small image folders."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@dataclass
class Site:
    """Files by path, and how badly they are served."""

    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    """For the next requests: close the connection after so many bytes of the body."""
    ranges: bool = True
    requests: list[tuple[str, str | None]] = field(default_factory=list)
    url: str = ""


@pytest.fixture
def site() -> Iterator[Site]:
    here = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range")
            here.requests.append((self.path, asked))
            body = here.files.get(self.path)
            if body is None:
                self.send_error(404)
                return
            start = int(re.findall(r"\d+", asked)[0]) if asked and here.ranges else 0
            if start and start >= len(body):
                self.send_response(416)
                self.send_header("Content-Range", f"bytes */{len(body)}")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - start))
            self.end_headers()
            rest = body[start:]
            self.wfile.write(rest[: here.cuts.pop(0)] if here.cuts else rest)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    here.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield here
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def picture() -> Callable[[Path, int], None]:
    """Write a random 40 x 30 image to a path, in the format of its extension."""

    def write(path: Path, seed: int = 0) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(seed).integers(0, 256, (30, 40, 3), np.uint8)
        Image.fromarray(pixels).save(path)

    return write


@pytest.fixture
def images(tmp_path: Path, picture: Callable[[Path, int], None]) -> Path:
    """An image folder of two classes: 6 and 4 training images, 2 and 2 in val/."""
    root = tmp_path / "images"
    for split, counts in (("train", (6, 4)), ("val", (2, 2))):
        for kind, count in zip(("cat", "dog"), counts, strict=True):
            for number in range(count):
                picture(root / split / kind / f"{number}.png", number)
    return root
