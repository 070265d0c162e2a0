"""The one record: strict, frozen, and nothing of it is lost on the way to a table."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from runners.records.record import Costs, Provenance, Quality, Record, State
from tests.runners import tiny


@pytest.mark.parametrize("reason", ["", "broke"])
def test_json_and_back(reason):
    record = tiny.record("fwa", 3, reason=reason)
    assert Record.model_validate(json.loads(record.model_dump_json())) == record
    assert Record.model_validate(record.model_dump(mode="json")) == record


def test_strict_and_frozen():
    data = tiny.record().model_dump()
    with pytest.raises(ValidationError):
        Record.model_validate(data | {"typo": 1})
    del data["seed"]
    with pytest.raises(ValidationError):
        Record.model_validate(data)
    with pytest.raises(ValidationError):
        tiny.record().seed = 2


def test_flat_has_every_field_once():
    flat = tiny.record("fwa", 2).flat()
    own = set(Record.model_fields) - {"costs", "quality", "provenance"}
    parts = [set(kind.model_fields) for kind in (Costs, Quality, Provenance)]
    assert set(flat) == own | (parts[0] - {"fingerprint"}) | parts[1] | parts[2] | {
        "cost_fingerprint"
    }
    names = [name for part in (own, *parts) for name in part if name != "fingerprint"]
    assert len(names) == len(set(names))  # or one part would hide another's field


def test_flat_values():
    record = tiny.record("fwa", 2, accuracy=0.25)
    flat = record.flat()
    assert (flat["name"], flat["seed"], flat["state"], flat["reconstructed"]) == (
        "fwa",
        2,
        "finished",
        True,
    )
    assert (flat["test_accuracy"], flat["macs"], flat["dataset"]) == (0.25, 20, "tiny")
    assert flat["curve"] == [
        {"epoch": 1, "train_loss": 1.0, "val_accuracy": 0.25, "images_per_s": 10.0}
    ]
    assert flat["cost_fingerprint"] == {"cpu": "x", "protocol": 1}
    assert flat["fingerprint"]["train_threads"] == 1
    json.dumps(flat)


def test_flat_without_parts_has_the_same_fields():
    whole = tiny.record()
    bare = whole.model_copy(update={"costs": None, "quality": None, "state": State.FAILED})
    flat = bare.flat()
    assert set(flat) == set(whole.flat())
    assert flat["state"] == "failed"
    assert all(flat[name] is None for name in ("macs", "test_accuracy", "curve"))


def test_units_are_in_the_names():
    counts_and_words = ("threads", "rounds", "blocks", "stopped", "batch", "reason", "ratio")
    fields = [
        field
        for field in (*Costs.model_fields, *Quality.model_fields)
        if not field.endswith(counts_and_words)
    ]
    for word, units in (("latency", ("_ms",)), ("memory", ("_bytes",)), ("train_s", ("_seconds",))):
        for field in fields:
            if word in field:
                assert any(unit in field for unit in units), field
