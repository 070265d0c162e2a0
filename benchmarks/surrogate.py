"""The learning curves of architectures that were not trained, predicted from those that were."""

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
    """Write table.csv.gz and about.json from what `train` and `time` left in the folder."""
    space = load(here / "space.yaml")
    every = {space.architecture(values).hash: values for values in space.grid()}
    trained = {row["hash"]: row for row in _rows(folder, "train-*.jsonl")}
    timed = {row["hash"]: row for row in _rows(folder, "time.jsonl")}
    missing = len(every.keys() - timed.keys())
    if missing:
        raise SystemExit(f"{missing} architectures are not timed yet")
    columns = feature_columns(space, list(every.values()))
    features = {key: row for key, row in zip(every, columns, strict=True)}
    known = np.array([features[key] for key in trained])
    curves = np.array([[e["val_accuracy"] for e in row["curve"]] for row in trained.values()])
    test = np.array([row["test_accuracy"] for row in trained.values()])
    quality = cross_validate(known, curves, test)
    rest = [key for key in every if key not in trained]
    predicted = _predict(known, curves, np.array([features[key] for key in rest]))
    rows = [
        _row(
            space,
            key,
            values,
            timed[key],
            trained.get(key),
            dict(zip(rest, predicted, strict=True)),
        )
        for key, values in every.items()
    ]
    table = _csv(rows)
    (here / "table.csv.gz").write_bytes(gzip.compress(table.encode(), mtime=0))
    dataset = data.load(about["dataset"])
    told = {
        **about,
        "command": "python benchmarks/tabulate.py (train, time, fit)",
        "architectures": len(every),
        "trained": len(trained),
        "checksum": hashlib.sha256(table.encode()).hexdigest(),
        "images": {"train": len(dataset.train), "val": len(dataset.val), "test": len(dataset.test)},
        "latency": {"threads": 1, "rounds": 30, "reference": space.base.to_dict()},
        "surrogate": quality,
    }
    (here / "about.json").write_text(json.dumps(told, indent=1) + "\n")
    print(json.dumps(quality, indent=1))


def model() -> Pipeline:
    """A Gaussian process: linear trends, smooth bends, and the noise of a validation split."""
    kernel = ConstantKernel() * RBF(5.0) + DotProduct() + WhiteKernel()
    return make_pipeline(
        StandardScaler(),
        GaussianProcessRegressor(kernel, normalize_y=True, n_restarts_optimizer=2, random_state=0),
    )


def cross_validate(known: np.ndarray, curves: np.ndarray, test: np.ndarray) -> dict[str, Any]:
    """How well left-out architectures are ranked, per epoch; and how well the truth ranks itself.

    The last figure is the ceiling: how the validation split, of 1,000 images, and the test split,
    of 2,000, agree on the architectures that were trained.
    """
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    spearman, kendall, error = [], [], []
    for epoch in range(curves.shape[1]):
        found = cross_val_predict(model(), known, curves[:, epoch], cv=folds)
        spearman.append(round(float(spearmanr(found, curves[:, epoch])[0]), 3))
        kendall.append(round(float(kendalltau(found, curves[:, epoch])[0]), 3))
        error.append(round(float(np.abs(found - curves[:, epoch]).mean()), 4))
    return {
        "model": "Gaussian process per epoch (linear + RBF + noise) on dimensions, MACs, params",
        "folds": FOLDS,
        "spearman_by_epoch": spearman,
        "kendall_by_epoch": kendall,
        "mean_absolute_error_by_epoch": error,
        "spearman_of_validation_and_test": round(float(spearmanr(curves[:, -1], test)[0]), 3),
        "std_of_final_accuracy": round(float(curves[:, -1].std()), 4),
    }


def _predict(known: np.ndarray, curves: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    columns = [model().fit(known, curve).predict(wanted) for curve in curves.T]
    return np.clip(np.array(columns).T, 0, 1)


def feature_columns(space: Space, every: Sequence[Values]) -> list[list[float]]:
    """Numbers of each architecture: its active dimensions (words one-hot), log MACs and params."""
    active = [space.active(values) for values in every]
    columns: list[list[float]] = []
    for dimension in space.dimensions:
        choices = dimension.values or ()
        if all(isinstance(choice, int | float) for choice in choices):
            columns.append([float(np.log1p(values.get(dimension.name, 0))) for values in active])
            continue
        for choice in choices:
            columns.append([float(values.get(dimension.name) == choice) for values in active])
    costs = [analytic_costs(space.architecture(values)) for values in every]
    columns.append([float(np.log(each.macs)) for each in costs])
    columns.append([float(np.log(each.params)) for each in costs])
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
    curve = [e["val_accuracy"] for e in trained["curve"]] if trained else predicted[key]
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
