"""`reports.publish`: complete, repeatable, with the changes since the last publication."""

from __future__ import annotations

import csv
from io import StringIO
from time import perf_counter

import pytest

import reports
from reports.sweep import publication as module
from reports.sweep.csv_files import read_front
from tests.reports.sweep.sweep_rows import COUNTS, FOUR, ONE, THREE, TWO, sweep, trial

TABLES = {"front.csv", "front.md", "front.tex", "trials.csv", "publications.csv"}
FIGURE = {"front.png", "front.pdf"}


def publish(rows, folder, objectives=TWO, time="2025-01-01T00:00:00", **changes):
    options = {"title": "Sweep", "counts": COUNTS, **changes}
    summary = reports.summarise_sweep(rows, objectives=objectives, **options)
    return reports.publish(summary, folder, time=time)


@pytest.fixture(autouse=True)
def plain_figure(request, monkeypatch):
    """Drawing takes seconds: only tests that ask for the `real_figure` draw all trials."""
    if "real_figure" not in request.fixturenames:
        from matplotlib.figure import Figure

        monkeypatch.setattr("reports.sweep.figure.sweep_figure", lambda summary: Figure((1, 1)))


@pytest.fixture
def real_figure():
    """Asks for the figure that users get."""


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def log(folder):
    return list(csv.DictReader(StringIO((folder / "publications.csv").read_text())))


@pytest.mark.parametrize("objectives", [ONE, TWO, THREE, FOUR], ids=len)
def test_one_to_four_objectives_publish_all_files(tmp_path, objectives, real_figure):
    publication = publish(sweep(60), tmp_path / "new", objectives)
    figure = FIGURE if len(objectives) > 1 else set()
    assert set(contents(tmp_path / "new")) == TABLES | figure == {p.name for p in publication.files}
    done = sum(row["state"] == "finished" for row in sweep(60))
    assert publication.text == f"front of {len(publication.front)} of {done} finished trials"
    assert 0 < publication.summary.front.hypervolume <= 1
    assert dict(publication.summary.counts) == {
        "finished": done,
        "pruned": 13,
        "failed": 2,
        **COUNTS,
    }


def test_the_front_is_what_no_finished_trial_beats(tmp_path):
    rows = sweep(80)
    publication = publish(rows, tmp_path)
    finished = [row for row in rows if row["state"] == "finished"]

    def beaten(mine):
        return any(
            one["val_accuracy"] >= mine["val_accuracy"]
            and one["latency_ms_median"] <= mine["latency_ms_median"]
            and one is not mine
            for one in finished
        )

    naive = sorted(row["trial"] for row in finished if not beaten(row))
    assert sorted(row["trial"] for row in publication.front) == naive
    costs = [row["latency_ms_median"] for row in publication.front]
    assert costs == sorted(costs)


def test_front_csv_reads_back(tmp_path):
    odd = {"a,b": 'x"y\n', "epochs": "12", "none": None, "flag": True, "depths": [1, 2], "f": 1e-9}
    rows = [
        trial(1, latency=9.0, accuracy=0.9, values=odd, architecture={"$": "é|%"}),
        trial(2, architecture_hash="123456789012"),
    ]
    publish(rows, tmp_path)
    two, one = read_front((tmp_path / "front.csv").read_text())
    assert list(one)[:5] == [
        "trial", "architecture_hash", "val_accuracy", "latency_ms_median", "test_accuracy",
    ]  # fmt: skip
    assert list(one)[-1] == "architecture"
    assert {name: one[name] for name in ("a,b", "none", "flag", "depths", "f")} == {
        name: odd[name] for name in ("a,b", "none", "flag", "depths", "f")
    }
    # Another column has that name already.
    assert (one["epochs"], one["dimension_epochs"], two["dimension_epochs"]) == (10, "12", None)
    assert one["architecture"] == {"$": "é|%"}
    assert two["architecture_hash"] == "123456789012"
    assert two["width"] == 34 and one["width"] is None
    assert all(one[name] == rows[0][name] for name in ("trial", "macs", "latency_ms_iqr"))


def test_trials_csv_has_every_trial_and_no_samples(tmp_path):
    rows = sweep(40)
    publish(list(reversed(rows)), tmp_path)
    lines = list(csv.DictReader(StringIO((tmp_path / "trials.csv").read_text())))
    assert [int(line["trial"]) for line in lines] == list(range(40))
    assert [line["state"] for line in lines] == [row["state"] for row in rows]
    assert "latency_ms_samples" not in lines[0] and "curve" not in lines[0]


def test_the_same_rows_again_change_nothing(tmp_path):
    publish(sweep(60), tmp_path)
    before = contents(tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    again = publish(list(reversed(sweep(60))), tmp_path, time="2026-01-01T00:00:00")
    assert again.text == "front unchanged, no new trials"
    assert contents(tmp_path) == before
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == times


def test_the_changes_since_the_last_publication(tmp_path):
    rows = [trial(0, accuracy=0.8, latency=2.0), trial(1, accuracy=0.9, latency=4.0)]
    publish(rows, tmp_path)
    rows += [trial(2, accuracy=0.7, latency=5.0)]
    assert publish(rows, tmp_path).text == "front unchanged, 1 new trial"
    rows += [trial(3, accuracy=0.85, latency=1.0)]
    # In today's box: ideal (0.9, 1), reference (0.68, 5.4); two rectangles each.
    before = (0.12 * 3.4 + 0.1 * 1.4) / (0.22 * 4.4)
    today = (0.17 * 4.4 + 0.05 * 1.4) / (0.22 * 4.4)
    publication = publish(rows, tmp_path)
    change = 100 * (today / before - 1)
    assert publication.text == f"1 new on the front, 1 left it, hypervolume {change:+.1f} %"
    assert publication.summary.front.hypervolume == pytest.approx(today)
    lines = log(tmp_path)
    assert [line["finished"] for line in lines] == ["2", "3", "4"]
    assert [line["front_size"] for line in lines] == ["2", "2", "2"]
    assert lines[-1]["text"] == publication.text and lines[-1]["duplicates"] == "5"
    assert float(lines[-1]["hypervolume"]) == publication.summary.front.hypervolume


def test_equal_points_are_on_the_front_together(tmp_path):
    publication = publish([trial(0), trial(1), trial(2, accuracy=0.5)], tmp_path)
    assert [row["trial"] for row in publication.front] == [0, 1]
    again = publish([trial(n) for n in range(4)] + [trial(4, accuracy=0.5)], tmp_path)
    # Another sweep than before: trial 2 has changed, yet its front was of 0 and 1.
    assert again.text == "2 new on the front, hypervolume +0.0 %"


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (b"", "front.csv is damaged"),
        (b"\xff\xfe\x00junk", "front.csv is damaged"),
        (b"a,b\n1,2\n", "front.csv is damaged"),
        (b"trial,architecture_hash\n1\n", "front.csv is damaged"),
        (None, "front.csv is missing"),
    ],
)
def test_a_damaged_front_is_not_compared(tmp_path, damage, problem):
    publish(sweep(60), tmp_path)
    good = contents(tmp_path)
    path = tmp_path / "front.csv"
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    publication = publish(sweep(60), tmp_path)
    assert publication.text.endswith(f"trials; not compared with the earlier front: {problem}")
    assert path.read_bytes() == good["front.csv"]
    assert len(log(tmp_path)) == 2


def test_a_front_with_nan_is_damaged(tmp_path):
    publish([trial(0)], tmp_path)
    path = tmp_path / "front.csv"
    path.write_text(path.read_text().replace(",0.8,", ",nan,"))
    assert publish([trial(0)], tmp_path).text.endswith("front.csv is damaged")


def test_other_objectives_and_other_sweeps_do_not_compare(tmp_path):
    publish(sweep(60), tmp_path)
    assert publish(sweep(60), tmp_path, THREE).text.endswith(": it has other objectives")
    turned = {name: TWO[name] for name in reversed(TWO)}
    publish(sweep(60), tmp_path, {"latency_ms": "minimize"})
    assert not FIGURE & set(contents(tmp_path))
    # The columns are the same, but publications.csv names the objectives.
    assert publish(sweep(60), tmp_path, turned).text.endswith(": it has other objectives")
    assert publish([trial(7)], tmp_path, turned).text.endswith(": it is of another sweep")


def test_a_foreign_publications_file_is_kept(tmp_path):
    (tmp_path / "publications.csv").write_bytes(b'my,notes \xff\nno end"')
    publish(sweep(60), tmp_path)
    publish([*sweep(60), trial(60)], tmp_path)
    kept = (tmp_path / "publications.csv").read_bytes()
    assert kept.startswith(b"my,notes \xff\n")


def test_without_a_front_earlier_files_are_kept(tmp_path):
    pruned = [row for row in sweep(60) if row["state"] == "pruned"]
    first = publish(pruned, tmp_path / "none")
    assert (
        first.text == "no front: 0 trials finished, 13 pruned, 0 failed, 5 duplicate, 1 infeasible"
    )
    assert set(contents(tmp_path / "none")) == {"trials.csv"}
    assert first.front == ()
    publish(sweep(60), tmp_path)
    (tmp_path / "none" / "trials.csv").unlink()
    (tmp_path / "none").rmdir()
    before = contents(tmp_path)
    assert publish(pruned, tmp_path).text.endswith("the earlier front is kept")
    assert contents(tmp_path) | {"trials.csv": b""} == before | {"trials.csv": b""}
    assert publish([], tmp_path / "empty").front == ()


def test_a_trial_without_an_objective_is_on_no_front(tmp_path):
    rows = [
        trial(0),
        trial(1, latency_ms_median=None),
        trial(2, val_accuracy=float("nan")),
        trial(3, accuracy=0.99, latency=0.1, macs_uncounted=["aten::fft"]),
    ]
    publication = publish(rows, tmp_path, THREE)
    assert [row["trial"] for row in publication.front] == [0]
    assert "3 finished without a value of every objective" in (tmp_path / "front.md").read_text()


def test_an_error_leaves_the_earlier_files_unchanged(tmp_path, monkeypatch):
    publish(sweep(60), tmp_path)
    before = contents(tmp_path)

    def broken(summary):
        raise RuntimeError("boom")

    monkeypatch.setattr(module, "front_csv", broken)
    with pytest.raises(RuntimeError, match="boom"):
        publish(sweep(90), tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize(
    ("objectives", "message"),
    [
        ({}, "1 to 4 objectives"),
        ({"accuracy": "maximize"}, "unknown objective 'accuracy'. Available: val_accuracy"),
        ({"macs": "min"}, "macs: maximize or minimize, not 'min'"),
    ],
)
def test_invalid_objectives_are_refused(tmp_path, objectives, message):
    with pytest.raises(ValueError, match=message):
        publish(sweep(5), tmp_path, objectives)
    assert not list(tmp_path.iterdir())


EARLIER_FILES = {
    "front.csv": '''\
trial,architecture_hash,val_accuracy,latency_ms_median,test_accuracy,latency_ms_iqr,macs,params,\
peak_memory_bytes,epochs,mixer,width,flag,architecture
0,000000000000,0.8,2.0,0.79,0.1014551657299676,25000000,1200000,50000000,10,fwa,32,,\
"{""mixer"":""fwa"",""width"":32}"
1,000000000001,0.9,4.0,0.89,0.2029103314599352,25000000,1200000,50000000,10,"""12""",,true,\
"{""mixer"":""fwa"",""width"":33}"
''',
    "publications.csv": """\
time,finished,pruned,failed,duplicates,front_size,hypervolume,text,objectives,reference,ideal
2025-01-01T00:00:00,2,0,0,0,2,0.1735537190082646,front of 2 of 2 finished trials,\
maximize val_accuracy; minimize latency_ms,0.79; 4.2,0.9; 2.0
""",
}
"""As version 0.1.0 published them."""


def test_publications_of_version_0_1_are_continued(tmp_path):
    for name, content in EARLIER_FILES.items():
        (tmp_path / name).write_text(content)
    rows = [
        trial(0, accuracy=0.8, latency=2.0),
        trial(1, accuracy=0.9, latency=4.0, values={"mixer": "12", "flag": True}),
    ]
    assert publish(rows, tmp_path, counts={}).text == "front unchanged, no new trials"
    for name, content in EARLIER_FILES.items():
        assert (tmp_path / name).read_text() == content
    rows.append(trial(2, accuracy=0.95, latency=8.0))
    changed = publish(rows, tmp_path, counts={}).text
    assert changed.startswith("1 new on the front, hypervolume +")
    assert [line["finished"] for line in log(tmp_path)] == ["2", "3"]


@pytest.mark.slow
def test_5000_trials(tmp_path, record_property, real_figure):
    rows = sweep(5000)
    began = perf_counter()
    publish(rows, tmp_path)
    publish(rows, tmp_path)
    record_property("seconds", perf_counter() - began)
    # On an idle machine it takes 3 s.
    assert perf_counter() - began < 60
