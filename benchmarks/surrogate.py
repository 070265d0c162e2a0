"""Predict the learning curves of untrained architectures from those of trained ones."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import kendalltau, spearmanr
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct, WhiteKernel
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from lolvit.analytic import analytic_costs
from runners import data
from search_space import Space, Values, load

FOLDS = 10


def fit(folder: Path, here: Path, about: dict[str, Any]) -> None:
    """Write table.csv.gz and about.json from the results of `train` and `time` in the folder."""
    space = load(here / "space.yaml")
    values_by_hash = {space.architecture(values).hash: values for values in space.grid()}
    trained = {row["hash"]: row for row in _rows(folder, "train-*.jsonl")}
    timed = {row["hash"]: row for row in _rows(folder, "time.jsonl")}
    missing = len(values_by_hash.keys() - timed.keys())
    if missing:
        raise SystemExit(f"{missing} architectures are not timed; run `time` first")
    columns = feature_columns(space, list(values_by_hash.values()))
    features = {key: row for key, row in zip(values_by_hash, columns, strict=True)}
    trained_features = np.array([features[key] for key in trained])
    curves = np.array(
        [[epoch["val_accuracy"] for epoch in row["curve"]] for row in trained.values()]
    )
    test = np.array([row["test_accuracy"] for row in trained.values()])
    quality = cross_validate(trained_features, curves, test)
    rest = [key for key in values_by_hash if key not in trained]
    predicted = _predict(trained_features, curves, np.array([features[key] for key in rest]))
    rows = [
        _row(
            space,
            key,
            values,
            timed[key],
            trained.get(key),
            dict(zip(rest, predicted, strict=True)),
        )
        for key, values in values_by_hash.items()
    ]
    table = _csv(rows)
    (here / "table.csv.gz").write_bytes(gzip.compress(table.encode(), mtime=0))
    dataset = data.load(about["dataset"])
    info = {
        **about,
        "command": "python benchmarks/tabular.py (train, time, fit)",
        "architectures": len(values_by_hash),
        "trained": len(trained),
        "checksum": hashlib.sha256(table.encode()).hexdigest(),
        "images": {"train": len(dataset.train), "val": len(dataset.val), "test": len(dataset.test)},
        "latency": {"threads": 1, "rounds": 30, "reference": space.base.to_dict()},
        "surrogate": quality,
    }
    (here / "about.json").write_text(json.dumps(info, indent=1) + "\n")
    print(json.dumps(quality, indent=1))


def make_model() -> Pipeline:
    """Make a Gaussian process with linear trend, smooth part and noise."""
    kernel = ConstantKernel() * RBF(5.0) + DotProduct() + WhiteKernel()
    return make_pipeline(
        StandardScaler(),
        GaussianProcessRegressor(kernel, normalize_y=True, n_restarts_optimizer=2, random_state=0),
    )


def cross_validate(features: np.ndarray, curves: np.ndarray, test: np.ndarray) -> dict[str, Any]:
    """Return rank correlations and errors of held-out architectures, by epoch.

    `spearman_of_validation_and_test` is the ceiling: how the validation split, of 1,000 images,
    and the test split, of 2,000, agree on the trained architectures.
    """
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    spearman, kendall, error = [], [], []
    for epoch in range(curves.shape[1]):
        predicted = cross_val_predict(make_model(), features, curves[:, epoch], cv=folds)
        spearman.append(round(float(spearmanr(predicted, curves[:, epoch])[0]), 3))
        kendall.append(round(float(kendalltau(predicted, curves[:, epoch])[0]), 3))
        error.append(round(float(np.abs(predicted - curves[:, epoch]).mean()), 4))
    return {
        "model": "Gaussian process per epoch (linear + RBF + noise) on dimensions, MACs, params",
        "folds": FOLDS,
        "spearman_by_epoch": spearman,
        "kendall_by_epoch": kendall,
        "mean_absolute_error_by_epoch": error,
        "spearman_of_validation_and_test": round(float(spearmanr(curves[:, -1], test)[0]), 3),
        "std_of_final_accuracy": round(float(curves[:, -1].std()), 4),
    }


def _predict(features: np.ndarray, curves: np.ndarray, others: np.ndarray) -> np.ndarray:
    columns = [make_model().fit(features, curve).predict(others) for curve in curves.T]
    return np.clip(np.array(columns).T, 0, 1)


def feature_columns(space: Space, points: Sequence[Values]) -> list[list[float]]:
    """Return the features per point: active dimensions (strings one-hot), log MACs and params."""
    active = [space.active(values) for values in points]
    columns: list[list[float]] = []
    for dimension in space.dimensions:
        choices = dimension.values or ()
        if all(isinstance(choice, int | float) for choice in choices):
            columns.append([float(np.log1p(values.get(dimension.name, 0))) for values in active])
            continue
        for choice in choices:
            columns.append([float(values.get(dimension.name) == choice) for values in active])
    costs = [analytic_costs(space.architecture(values)) for values in points]
    columns.append([float(np.log(cost.macs)) for cost in costs])
    columns.append([float(np.log(cost.params)) for cost in costs])
    return [list(row) for row in zip(*columns, strict=True)]


def _row(
    space: Space,
    key: str,
    values: Values,
    timed: dict[str, Any],
    trained: dict[str, Any] | None,
    predicted: dict[str, np.ndarray],
) -> dict[str, Any]:
    costs = analytic_costs(space.architecture(values))
    curve = [epoch["val_accuracy"] for epoch in trained["curve"]] if trained else predicted[key]
    return {
        "hash": key,
        **{d.name: space.active(values).get(d.name, "") for d in space.dimensions},
        "macs": costs.macs,
        "params": costs.params,
        **{name: f"{timed[name]:.4f}" for name in ("latency_ms_median", "latency_ms_min")},
        "latency_ratio": f"{timed['latency_ratio']:.4f}",
        **{f"val_accuracy_{i}": f"{value:.4f}" for i, value in enumerate(curve, 1)},
        "test_accuracy": f"{trained['test_accuracy']:.4f}" if trained else "",
    }


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _rows(folder: Path, pattern: str) -> list[dict[str, Any]]:
    files = sorted(folder.glob(pattern))
    return [json.loads(line) for file in files for line in file.read_text().splitlines()]
