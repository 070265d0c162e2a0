"""A web server on the loopback interface, and small image folders."""

from __future__ import annotations

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
    """A web site: files by path, and how badly they are served."""

    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    """For the next requests: close the connection after so many bytes of the body."""
    headers: dict[str, str] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    """Paths."""
    url: str = ""


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.requests.append(self.path)
            body = site.files.get(self.path)
            if body is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            for name, value in site.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body[: site.cuts.pop(0)] if site.cuts else body)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
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
