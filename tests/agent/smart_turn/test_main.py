"""Whom the worker leaves the computing to; a real one is looked at in test_process.py."""

import os

import pytest

from agent.smart_turn.__main__ import step_back


@pytest.mark.parametrize("allowed", [True, False])
def test_the_real_time_priority_of_a_server_is_not_for_it(monkeypatch, allowed) -> None:
    done = []

    def schedule(pid, policy, param):
        done.append((pid, policy, param.sched_priority))
        if not allowed:
            raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", schedule)
    monkeypatch.setattr(os, "nice", done.append)
    step_back()
    assert done == [(0, os.SCHED_OTHER, 0), 5]
