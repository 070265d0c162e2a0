"""The command `dashboard`, as a process that serves a port."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import urllib.request

import pytest

from tests.bench_runs import BENCH, bench_in_process, environment, one_line


@pytest.mark.slow
def test_the_dashboard_serves_the_study_on_loopback(tmp_path):
    pytest.importorskip("optuna_dashboard")
    config = {"space": "tiny", "objectives": {"macs": "minimize"}, "trials": 2}
    (tmp_path / "sweep.yaml").write_text(json.dumps(config))
    bench_in_process(tmp_path, "sweep", "sweep.yaml", "--out", "run", "--quiet")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        (*BENCH, "dashboard", "run", "--port", str(port)),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    try:
        assert f"http://127.0.0.1:{port}/" in process.stdout.readline()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/studies", timeout=30) as page:
            (study,) = json.load(page)["study_summaries"]
        assert study["study_name"] == "sweep"
        second = bench_in_process(tmp_path, "dashboard", "run", "--port", str(port))
        assert second.returncode == 2
        one_line(second.stderr, "cannot serve on")
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0
    missing = bench_in_process(tmp_path, "dashboard", ".")
    assert missing.returncode == 2
    one_line(missing.stderr, "holds no study")
