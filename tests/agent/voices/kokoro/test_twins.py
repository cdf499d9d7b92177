"""A candidate may err as the twin itself does, and no more."""

import pytest
import torch

from agent.voices.kokoro.model import Plan
from agent.voices.kokoro.twins import plan_differs, sound_differs

X = torch.randn(1, 20, 8, generator=torch.Generator().manual_seed(0))
PLAN = Plan(X, X, torch.full((1, 20), 3))


def test_the_same_is_the_same():
    assert plan_differs(lambda: PLAN, lambda: PLAN, ()) == ""
    assert sound_differs(lambda x: x, lambda x: x, (X,)) == ""


@pytest.mark.parametrize("field", ["prosody", "text"])
def test_a_plan_may_differ_by_rounding_only(field):
    near = PLAN._replace(**{field: X + 1e-3})
    far = PLAN._replace(**{field: X + 0.2})
    assert plan_differs(lambda: PLAN, lambda: near, ()) == ""
    assert field in plan_differs(lambda: PLAN, lambda: far, ())


def test_a_duration_may_fall_to_the_other_side_of_a_half_now_and_then():
    for tokens, by, wanted in ((1, 1, ""), (1, 2, "5%"), (5, 1, "25%")):
        frames = PLAN.frames.clone()
        frames[0, :tokens] += by
        found = plan_differs(
            lambda: PLAN, lambda frames=frames: PLAN._replace(frames=frames), ()
        )
        assert found.startswith(wanted) and bool(found) == bool(wanted)


def test_audio_that_is_not_the_twins_is_found():
    assert "20.0% off" in sound_differs(lambda x: x, lambda x: x * 1.2, (X,))
    assert sound_differs(lambda x: x, lambda x: x * torch.nan, (X,))


def test_where_rounding_changes_everything_a_candidate_may_too():
    def chaotic(x):
        return torch.sin(x * 1e7)

    assert sound_differs(chaotic, lambda x: chaotic(x * (1 + 1e-6)), (X,)) == ""
