"""The stock way does the same work: it is what ours is compared with."""

import pytest
import torch

from agent.config_file import load
from benchmarks.models import _utterance

pytest.importorskip("transformers")
import tiny_voxtral

from benchmarks.model_stock import StockVoxtral


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    folder = tiny_voxtral.make(tmp_path_factory.mktemp("voxtral"))
    overrides = {"voxtral.model": str(folder), "voxtral.dtype": "float32"}
    return StockVoxtral(load(None, {**overrides, "torch.device": "cpu"}), _utterance())


def test_an_answer_takes_time_and_a_longer_one_takes_more(stock) -> None:
    assert stock.first_ms(1) > 0
    assert stock.token_ms(1) >= 0


def test_as_many_tokens_are_made_as_were_asked_for(stock, monkeypatch) -> None:
    made = []
    generate = stock._model.generate

    def count(**inputs):
        answer = generate(**inputs)
        made.append((answer.shape[1] - inputs["input_ids"].shape[1], inputs["input_features"]))
        return answer

    monkeypatch.setattr(stock._model, "generate", count)
    stock._answer(5)
    [(tokens, features)] = made
    assert tokens == 5
    assert features.shape == (1, 128, 3000)
    assert features.dtype == torch.float32
