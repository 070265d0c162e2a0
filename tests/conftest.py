"""What all tests share: one torch thread, a temporary folder of their own, patience."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile

import pytest
from hypothesis import settings


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """On small maps a second one brings nothing, and on busy cores it costs much."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture(autouse=True, scope="session")
def own_temporary_folder(tmp_path_factory):
    """Locks of devices lie there: tests shall wait for no timing but their own."""
    folder = str(tmp_path_factory.mktemp("temporary"))
    before = os.environ.get("TMPDIR"), tempfile.tempdir
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    yield
    os.environ.pop("TMPDIR")
    if before[0] is not None:
        os.environ["TMPDIR"] = before[0]
    tempfile.tempdir = before[1]


@pytest.fixture(scope="session")
def postgres():
    """A real server for this process's tests; each database in it is one's own."""
    pytest.importorskip("psycopg")
    from tests import postgres as servers

    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(servers.running())
        except servers.Missing as missing:
            pytest.skip(str(missing))
        yield server


@pytest.fixture(scope="session")
def images(tmp_path_factory):
    """Drawn images, to be copied."""
    from tests.bench_runs import draw_images

    return draw_images(tmp_path_factory.mktemp("drawn") / "images")


@pytest.fixture
def workdir(tmp_path, monkeypatch, images):
    """A folder with images/, a file, and a data cache that is empty."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LOLVIT_DATA", str(tmp_path / "cache"))
    handler = signal.getsignal(signal.SIGTERM)
    shutil.copytree(images, tmp_path / "images")
    (tmp_path / "cache").mkdir()
    (tmp_path / "file").write_text("x")
    yield tmp_path
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def refused(workdir, capfd):
    """Run a command in this process; it must refuse, with these words in its message."""

    from bench import main
    from tests.bench_runs import one_line, tree

    def run(*arguments, words=()):
        before = tree(workdir)
        capfd.readouterr()
        try:
            code = main(arguments)
        except SystemExit as error:
            code = error.code
        out, err = capfd.readouterr()
        assert code == 2
        one_line(err, *words)
        assert out == ""
        assert tree(workdir) == before

    return run


# On busy cores an example may take any time: slowness here is no failure.
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")
