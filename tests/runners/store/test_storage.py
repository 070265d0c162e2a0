"""One storage, a file or a database: opened, used, refused, and never a password in print."""

from __future__ import annotations

import logging
import sqlite3
import traceback
import warnings
from pathlib import Path

import optuna
import pytest
import sqlalchemy

from runners.records.errors import UserError
from runners.store import GRACE_S, open_storage, open_storage_readonly, redact, translate_errors
from runners.store.sqlite_file import connect_sqlite

SECRET = "hunter2"


@pytest.fixture
def file(tmp_path):
    return tmp_path / "odd {x} 100%41?#.db"


@pytest.fixture(params=["file", "database"])
def location(request):
    """Both kinds: what holds for one holds for the other."""
    if request.param == "file":
        return request.getfixturevalue("file")
    return request.getfixturevalue("postgres").new_database()


def study_in(storage):
    return optuna.create_study(storage=storage, study_name="s", load_if_exists=True)


def refused(location, *words, secret=SECRET):
    with pytest.raises(UserError) as caught, open_storage(location, study="s"):
        pass
    one_line(caught, location, *words, secret=secret)


def one_line(caught, location, *words, secret=SECRET):
    message = str(caught.value)
    assert "\n" not in message and redact(location) in message, message
    assert all(word in message for word in words), message
    assert secret not in "".join(traceback.format_exception(caught.value))


def test_results_are_there_when_the_storage_is_opened_again(location):
    for number in range(3):
        with open_storage(location, study="s") as storage:
            study = study_in(storage)
            assert len(study.trials) == number
            trial = study.ask({"x": optuna.distributions.FloatDistribution(0, 1)})
            study.tell(trial, 1.0)


def test_all_at_work_on_one_study_is_quiet(location, caplog):
    with (
        warnings.catch_warnings(record=True) as caught,
        open_storage(location, study="s") as storage,
    ):
        study = study_in(storage)
        study.tell(study.ask(), 1.0)
    assert not caught and not [r for r in caplog.records if r.levelno >= logging.WARNING]


def test_a_trial_is_stale_some_time_after_its_last_heartbeat(location):
    with open_storage(location, study="s") as storage, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study = study_in(storage)
        fresh, stale, silent = study.ask(), study.ask(), study.ask()
        for trial in (fresh, stale):
            storage.record_heartbeat(trial._trial_id)
        with storage.engine.begin() as connection:
            table = sqlalchemy.table("trial_heartbeats", *map(sqlalchemy.column, COLUMNS))
            row = table.c.trial_id == stale._trial_id
            then = connection.scalar(sqlalchemy.select(table.c.heartbeat).where(row))
            earlier = type_of_time(then, GRACE_S + 5)
            connection.execute(table.update().where(row).values(heartbeat=earlier))
        optuna.storages.fail_stale_trials(study)
        states = [study.trials[trial.number].state.name for trial in (fresh, stale, silent)]
        assert states == ["RUNNING", "FAIL", "RUNNING"]


COLUMNS = ("trial_id", "heartbeat")


def type_of_time(then, seconds):
    """SQLite keeps times as text."""
    from datetime import datetime, timedelta

    if isinstance(then, str):
        return str(datetime.fromisoformat(then) - timedelta(seconds=seconds))
    return then - timedelta(seconds=seconds)


@pytest.mark.parametrize("address", [str, lambda file: f"sqlite:///{file}"])
def test_a_file_may_be_named_by_url(address, tmp_path):
    file = tmp_path / "study.db"
    with open_storage(file if address is str else address(file), study="s"):
        pass
    assert file.is_file() and redact(file) == str(file)


def test_a_file_is_written_ahead_and_seldom_synced(file):
    with open_storage(file, study="s") as storage, storage.engine.connect() as connection:
        asked = ("journal_mode", "synchronous", "busy_timeout")
        answers = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]
        assert answers == ["wal", 1, 60_000]
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_file_without_shared_memory_is_synced_as_ever(tmp_path):
    connection = connect_sqlite(Path(":memory:"))
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("memory",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_file_that_is_none_or_not_there_or_not_writable(tmp_path):
    text = tmp_path / "text.db"
    text.write_text("no database at all " * 99)
    refused(text, "file is not a database")
    refused(tmp_path, "unable to open")
    refused(tmp_path / "nowhere" / "study.db", "unable to open")
    if Path("/proc/self").exists():
        refused(Path("/proc/study.db"), "unable to open")


def test_a_full_disk_is_one_line_and_stored_trials_are_kept(file):
    with open_storage(file, study="s") as storage:
        study = study_in(storage)
        study.tell(study.ask(), 1.0)
        # SQLite's own idea of a disk: no page more than there are.
        sqlalchemy.event.listen(
            storage.engine,
            "checkout",
            lambda connection, *_: connection.execute("PRAGMA max_page_count=1"),
        )
        with pytest.raises(UserError) as caught, translate_errors(file):
            study.set_user_attr("large", "x" * 100_000)
        one_line(caught, file, "database or disk is full", "finished trials in it are kept")
    with open_storage(file, study="s") as storage:
        assert len(study_in(storage).trials) == 1


@pytest.mark.parametrize(
    ("revision", "words"),
    [("v3.0.0.a", "optuna storage upgrade --storage"), ("v99.0.0.a", "pip install -U optuna")],
)
def test_tables_of_another_optuna_say_what_to_do(revision, words, location):
    with open_storage(location, study="s") as storage, storage.engine.begin() as connection:
        connection.exec_driver_sql(f"UPDATE alembic_version SET version_num = '{revision}'")
    refused(location, words, optuna.__version__, secret="s3cret")


def test_observers_see_results_while_the_coordinator_runs(location):
    with open_storage(location, study="s") as storage, open_storage_readonly(location) as seen:
        study = study_in(storage)
        study.tell(study.ask(), 1.0)
        assert optuna.load_study(study_name="s", storage=seen).best_value == 1.0


def test_observers_make_nothing(location):
    with pytest.raises(UserError) as caught, open_storage_readonly(location):
        pass
    named = "is missing" if isinstance(location, Path) else "does not exist"
    assert named in str(caught.value) and "s3cret" not in str(caught.value)
    assert not isinstance(location, Path) or list(location.parent.iterdir()) == []


def test_other_errors_inside_the_block_pass_as_they_are(location):
    with (
        pytest.raises(ZeroDivisionError),
        open_storage(location, study="s"),
        translate_errors(location),
    ):
        _ = 1 / 0
    with (
        pytest.raises(UserError, match=r"^mine$"),
        open_storage(location, study="s"),
        translate_errors(location),
    ):
        raise UserError("mine")
    with pytest.raises(UserError, match="locked"), translate_errors(location):
        raise sqlite3.OperationalError("database is locked")


@pytest.mark.parametrize(
    "location",
    [
        f"mysql://u:{SECRET}@h/db",
        f"mysql+pymysql://u:{SECRET}@h/db",
        f"postgresql+psycopg2://u:{SECRET}@h/db",
        f"redis://:{SECRET}@h:6379/0",
        f"http://u:{SECRET}@h/",
        f"h/db?password={SECRET}",
        "study.db",
        "",
        "sqlite://",
    ],
)
def test_other_kinds_of_storage_are_refused_and_the_possible_ones_named(location):
    refused(location, "sqlite:///FILE", "postgresql://USER:PASSWORD@HOST:PORT/DATABASE")


@pytest.mark.parametrize(
    "location",
    [
        f"postgresql://u:{SECRET}@h:port/db",
        f"postgresql://u:{SECRET}@h:99999/db",
        f"postgresql://u:{SECRET}@h:0/db",
        f"postgresql://u:p@{SECRET}@h/db",
        f"postgresql://u:p@x:{SECRET}@h/db",
        f"postgres://u:p@x/{SECRET}@h/db",
        f"postgres://u:p@x?{SECRET}@h/db",
        f"postgresql://u:{SECRET}@h:port/db?password={SECRET}",
    ],
)
def test_a_malformed_url_says_how_to_write_it(location):
    refused(location, "%40 for @")


@pytest.mark.parametrize(
    "location", ["sqlite:///", "sqlite:///:memory:", "sqlite:///study.db?timeout=3"]
)
def test_a_file_has_a_name_and_no_options(location):
    refused(location, "without options")


@pytest.mark.parametrize(
    ("location", "text"),
    [
        ("postgresql://u:p@h:1/db", "postgresql://u:***@h:1/db"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
        ("postgresql://h/db?a=1&password=p%20x&b=2", "postgresql://h/db?a=1&password=***&b=2"),
        (
            "postgresql://h/db?sslpassword=p&PASSWORD=q",
            "postgresql://h/db?sslpassword=***&PASSWORD=***",
        ),
        ("postgresql://u:p/q:r?s#t@u@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:p\nq@h/db", "postgresql://u:***@h/db"),
        ("redis://:p@h", "redis://:***@h"),
        ("sqlite:///a:b@c.db", "sqlite:///a:b@c.db"),
        (Path("a/b.db"), "a/b.db"),
    ],
)
def test_a_location_is_printed_without_its_password(location, text):
    assert redact(location) == text
