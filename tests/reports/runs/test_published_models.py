"""Numbers of others carry their source, and are mixed with measured ones nowhere."""

from __future__ import annotations

import csv
import io

import reports
from reports.published.models import published_models
from tests.reports.runs.stored_runs import comparison


def test_every_model_has_a_source_and_plausible_numbers():
    models = published_models()
    assert len(models) > 150 and all(model["source"].strip() for model in models)
    for model in models:
        assert 50 < float(model["imagenet_top1"]) < 95, model
        assert model["distilled"] in ("yes", "no")
        assert not model["params_m"] or 0.5 < float(model["params_m"]) < 700, model
        assert not model["macs_m"] or 10 < float(model["macs_m"]) < 300_000, model


def test_they_are_a_table_of_their_own(tmp_path):
    reports.write_report([comparison()], tmp_path, published=True)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert {"published.md", "published.csv", "published.html"} <= set(files)
    rows = list(csv.DictReader(io.StringIO(files["published.csv"].decode())))
    assert sorted(map(str, rows)) == sorted(map(str, published_models()))
    name = next(model["model"] for model in published_models() if "ghostnet" in model["model"])
    for file in ("table.md", "table.csv", "table.tex", "records.csv", "pareto.svg"):
        assert name.encode() not in files[file]
    page = files["index.html"].decode()
    data = page[page.index('id="data">') :]
    assert name in page and name not in data[: data.index("</script>")]
    assert "Nothing of it was measured here" in page


def test_they_are_left_out_unless_asked_for(tmp_path):
    reports.write_report([comparison()], tmp_path)
    assert not [path for path in tmp_path.iterdir() if "published" in path.name]
