"""The ports: closed lists of plain values, and no way for a model to know the event loop."""

from typing import get_args

import pytest
from fakes import FakeEngines

from agent import engines


def test_a_piece_is_one_of_five() -> None:
    kinds = {engines.Heard, engines.Sense, engines.Text, engines.Act, engines.ToolCall}
    assert set(get_args(engines.Piece)) == kinds


@pytest.mark.parametrize("kind", [*get_args(engines.Piece), engines.Speech, engines.Style])
def test_values_of_the_port_are_frozen(kind) -> None:
    assert kind.__dataclass_params__.frozen


def test_the_fake_has_every_verb_of_the_port() -> None:
    verbs = {name for name in vars(engines.CallEngines) if not name.startswith("_")}
    assert verbs == {"expect", "hear", "reply", "transcribe", "speak"} | {
        *("keep", "discard", "forget", "close")
    }
    assert all(callable(getattr(FakeEngines(), verb)) for verb in verbs)
