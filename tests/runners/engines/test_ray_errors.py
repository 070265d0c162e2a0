"""Reasons from Ray are one line with the cause, without colours."""

from __future__ import annotations

import pytest

pytest.importorskip("ray")

from ray.exceptions import RayActorError, RayTaskError

from runners.engines.ray.hooks import describe_error


def test_an_error_of_a_task_is_its_cause():
    error = RayTaskError("evaluate", "\x1b[36mray::evaluate()\x1b[39m\nTraceback", OSError("path"))
    assert describe_error(error) == "OSError: path"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("\x1b[31mThe task\x1b[0m died", "RuntimeError: The task died"),
        (
            "Died.\n  id: 7\n  Worker exit detail: out of memory",
            "RuntimeError: Died. (out of memory)",
        ),
        ("", "RuntimeError"),
    ],
)
def test_other_errors_have_their_detail(message, reason):
    assert describe_error(RuntimeError(message)) == reason


def test_an_actor_that_died():
    assert describe_error(RayActorError()).startswith("RayActorError: ")
