"""What only a real PostgreSQL server can show: its refusals, its restarts, its locks."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
import traceback
from urllib.parse import quote

import optuna
import pytest

from runners.records.errors import UserError
from runners.store import open_storage, redact, translate_errors
from tests.postgres import PASSWORD, USER, running

pytestmark = pytest.mark.slow

# Of the password and of any piece of it that an error might repeat.
TRACES = (PASSWORD, quote(PASSWORD, safe=""), "s3cret")
OURS = "pg_stat_activity WHERE application_name = 'lolvit-bench'"
HOLDER = """
import sys, time, os
from runners.store import open_storage

with open_storage(sys.argv[1], study=sys.argv[2]):
    if "fork" in sys.argv and not os.fork():
        time.sleep(60)
        os._exit(0)
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture(scope="module")
def mortal(postgres):
    """A server to be stopped: it writes all to disk then, and here that is next to nothing."""
    with running() as server:
        yield server


@pytest.fixture
def url(postgres):
    return postgres.new_database()


@pytest.fixture(autouse=True)
def no_password_is_printed(caplog, capfd):
    caplog.set_level(logging.DEBUG)
    yield
    printed = capfd.readouterr()
    for text in (caplog.text, printed.out, printed.err):
        assert not any(trace in text for trace in TRACES)


def study_in(storage, name="s"):
    return optuna.create_study(storage=storage, study_name=name, load_if_exists=True)


def refused(location, *words, study="s"):
    with pytest.raises(UserError) as caught, open_storage(location, study=study):
        pass
    one_line(caught, *words)


def one_line(caught, *words):
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message
    chain = "".join(traceback.format_exception(caught.value))
    assert not any(trace in chain for trace in TRACES)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_a_url_may_have_any_of_three_schemes(scheme, url):
    with open_storage(f"{scheme}://{url.partition('://')[2]}", study="s") as storage:
        study_in(storage).enqueue_trial({"x": 1})
        assert not any(trace in storage.url for trace in TRACES)


def test_the_password_may_stand_in_the_query(postgres):
    bare = postgres.url(password=None)
    with open_storage(f"{bare}?password={quote(PASSWORD, safe='')}&sslmode=prefer", study="s"):
        pass


def test_the_password_may_come_the_way_of_libpq(postgres, monkeypatch, tmp_path):
    bare = postgres.url(password=None)
    refused(bare, bare, "password")
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    with open_storage(bare, study="s"):
        pass
    monkeypatch.delenv("PGPASSWORD")
    escaped = PASSWORD.replace("\\", "\\\\").replace(":", "\\:")
    (tmp_path / "pgpass").write_text(f"127.0.0.1:*:*:{USER}:{escaped}\n", encoding="utf-8")
    (tmp_path / "pgpass").chmod(0o600)
    monkeypatch.setenv("PGPASSFILE", str(tmp_path / "pgpass"))
    with open_storage(bare, study="s"):
        pass


def test_refusals_of_the_server(postgres):
    refused(postgres.url(password="s3cret-wrong"), "password authentication failed", "***")
    refused(postgres.url("nowhere"), 'database "nowhere" does not exist')
    elsewhere = postgres.url().replace(f":{postgres.port}/", ":1/")
    refused(elsewhere, redact(elsewhere), "Connection refused")
    refused(postgres.url().replace("127.0.0.1", "no-such-host.invalid"), "no-such-host.invalid")
    refused(postgres.url() + "?sslmode=odd", "sslmode")
    refused(postgres.url() + "?no_such_option=1", "no_such_option")


def test_no_right_to_make_tables(postgres, url):
    database = url.rpartition("/")[2]
    postgres.execute(f"CREATE ROLE guest_{database} LOGIN PASSWORD 's3cret'")
    guest = url.replace(f"//{USER}:", f"//guest_{database}:").replace(
        quote(PASSWORD, safe=""), "s3cret"
    )
    refused(guest, "permission denied for schema public")


def test_without_a_driver_it_says_what_to_install(url, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    refused(url, "pip install 'lolvit-bench[postgres]'")


def test_one_coordinator_a_study(url, monkeypatch):
    monkeypatch.setattr("runners.store.study_lock.PATIENCE_S", 0.5)
    with open_storage(url, study="s"):
        refused(url, "another process is using study s")
        with open_storage(url, study="another"):
            pass
    with open_storage(url, study="s"):
        pass


def test_studies_may_begin_at_once_in_an_empty_database(url):
    holders = [holder(url, f"study-{number}") for number in range(4)]
    try:
        assert [process.stdout.readline() for process in holders] == ["held\n"] * 4
    finally:
        end(holders)


@pytest.mark.parametrize("forked", [[], ["fork"]])
def test_the_lock_of_a_killed_process_is_free_at_once(forked, url):
    process = holder(url, "s", *forked)
    try:
        assert process.stdout.readline() == "held\n"
        os.kill(process.pid, signal.SIGKILL)
        begin = time.monotonic()
        with open_storage(url, study="s"):
            assert time.monotonic() - begin < 5
    finally:
        end([process])


def test_a_restart_of_the_server_is_survived(mortal, monkeypatch):
    url = mortal.url()
    monkeypatch.setattr("runners.store.study_lock.PATIENCE_S", 0.5)
    with open_storage(url, study="s") as storage:
        study = study_in(storage)
        study.tell(study.ask(), 1.0)
        mortal.restart()
        study.tell(study.ask(), 2.0)
        assert [trial.value for trial in study.trials] == [1.0, 2.0]
        refused(url, "another process is using study s")
        mortal.restart()
    with open_storage(url, study="s") as storage:
        assert len(study_in(storage).trials) == 2


def test_a_study_taken_over_meanwhile_is_left_alone(postgres, url, monkeypatch):
    monkeypatch.setattr("runners.store.study_lock.PATIENCE_S", 0.5)
    with open_storage(url, study="s") as storage:
        study = study_in(storage)
        # As after a network that was cut for long: the server gave up, and we do not know yet.
        postgres.execute(f"SELECT pg_terminate_backend(pid) FROM {OURS}")
        with open_storage(url, study="s"), translate_errors(url):
            with pytest.raises(UserError) as caught:
                study.ask()
            one_line(caught, "another process is using study s")
        with translate_errors(url):
            study.tell(study.ask(), 1.0)
        refused(url, "another process is using study s")


def test_a_connection_lost_in_the_middle_is_one_line(mortal):
    url = mortal.new_database()
    with open_storage(url, study="s") as storage:
        study = study_in(storage)
        with (
            pytest.raises(UserError) as caught,
            translate_errors(url),
            storage.engine.connect() as mine,
        ):
            mine.exec_driver_sql("SELECT 1")
            mortal.execute(f"SELECT pg_terminate_backend(pid) FROM {OURS}")
            mine.exec_driver_sql("SELECT 1")
        one_line(caught, redact(url), "terminat", "finished trials in it are kept")
        mortal.stop(keep=True)
        try:
            with pytest.raises(UserError) as caught, translate_errors(url):
                study.ask()
            one_line(caught, redact(url), "Connection refused")
        finally:
            mortal.start()
        study.tell(study.ask(), 1.0)


def holder(*arguments):
    """A process that has a study open."""
    command = [sys.executable, "-c", HOLDER, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)


def end(processes):
    for process in processes:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()
