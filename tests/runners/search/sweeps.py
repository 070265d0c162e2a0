"""Sweeps for the tests: small, and looked up in a table or by formula instead of trained."""

from __future__ import annotations

from contextlib import contextmanager

from runners.engines import local
from runners.evaluators.prepare import prepare, prepare_tabular
from runners.jobs.sweep import Sweep, start_search
from runners.progress.listener import Listener
from runners.search.config import parse_sweep
from runners.store import open_storage
from search_space import tabular

BOTH = {"val_accuracy": "maximize", "latency_ms": "minimize"}


def config(**changes):
    """A sweep of the tabulated benchmark."""
    told = {
        "space": tabular.load().space.to_dict(),
        "objectives": BOTH,
        "sampler": "random",
        "trials": 20,
    }
    told |= changes
    if "val_accuracy" in told["objectives"]:
        told.setdefault("training", {})
    return parse_sweep(told)


def job(folder, *, resume=False, trials=None, evaluator=None, first_values=(), **changes):
    """A sweep as `jobs.sweep` wants it; looked up unless it asks for MACs and parameters alone."""
    told = config(**changes)
    analytic = set(told.objectives) <= {"macs", "params"}
    prepared = prepare(told, folder) if analytic else prepare_tabular(told, None)
    return Sweep(
        name="test",
        config=told,
        space=prepared.space,
        evaluator=evaluator or prepared.evaluator,
        epochs=prepared.epochs,
        storage=None,
        resume=resume,
        trials=trials or told.trials,
        budget_s=None,
        first_values=first_values,
    )


@contextmanager
def begun(folder, watch=None, deadline=None, **changes):
    """A search whose study is in the folder, ready to be run."""
    file = folder / "study.db"
    with open_storage(file, study="test") as storage:
        made = job(folder, **changes)
        yield start_search(made, storage, file, "test", deadline, watch or Listener())


def run(folder, processes=1, **changes):
    """The search after it has run to its end."""
    with begun(folder, **changes) as search:
        local.run(search, processes)
        search.close()
    return search


def table(search):
    """State by hash."""
    return {row["architecture_hash"]: row["state"] for row in search.rows()}
