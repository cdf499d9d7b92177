"""What a margin makes of what was heard, and how it is found."""

import json
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from agent.brains.operator import overheard
from agent.brains.operator.overheard import MARGIN, Interjection
from benchmarks import overheard as subject
from benchmarks.overheard import Item, Outcome, fitted, items, main, rows

SOUND = np.zeros(8000, np.float32)
STOP = Item("tune", "command", "stop", SOUND)
OKAY = Item("tune", "sign", "okay", SOUND)
COUGH = Item("tune", "sound", "cough", SOUND)


def outcome(item, better, certain=""):
    return Outcome(item, certain, Interjection("stop", "okay", better), 1.0)


@pytest.mark.parametrize(
    ("found", "ends"),
    [
        (outcome(STOP, 300), True),
        (outcome(STOP, 299), None),
        (outcome(STOP, -1), False),
        (outcome(OKAY, 900, certain="okay"), True),
        (outcome(OKAY, 200, certain="okay"), False),
        (outcome(OKAY, -900, certain="what time is it"), True),
        (replace(outcome(STOP, 0), heard=None), None),
    ],
)
def test_the_margin_decides_and_then_a_request_that_is_certain(found, ends) -> None:
    assert found.ends(300) is ends


def test_the_margin_leaves_few_signs_and_sounds_and_looks_at_no_judge() -> None:
    signs = [outcome(OKAY, 10.0 * n) for n in range(100)]
    sounds = [outcome(COUGH, float(n)) for n in range(100)]
    judge = [outcome(replace(OKAY, fold="judge"), 5000.0)] * 100
    deaf = [replace(outcome(OKAY, 0), heard=None)]
    margin = fitted([*signs, *sounds, *judge, *deaf, outcome(STOP, 5.0)])
    assert margin == pytest.approx(960)
    assert fitted([*sounds, *[outcome(OKAY, -100.0)] * 100]) == pytest.approx(100)
    assert fitted([outcome(OKAY, -5.0), outcome(COUGH, -5.0)]) == 0


def test_each_kind_and_the_short_ones_have_a_row_in_each_fold() -> None:
    both = [
        replace(item, fold=fold) for fold in ("tune", "judge") for item in (STOP, OKAY, COUGH)
    ]
    table = rows([outcome(item, 500 if item.kind == "command" else -500) for item in both], 300)
    assert len(table) == 10
    assert ("tune", "command", 1, "100.0", "0.0", "0.0") in table
    assert ("judge", "mm, uh-huh, yeah, okay, right", 1, "0.0", "100.0", "0.0") in table


def test_items_are_as_a_call_hands_them_over() -> None:
    some = list(islice(items(1), 20))
    assert {item.fold for item in some} == {"tune"}
    assert [item.said for item in some[:7]] == ["stop"] * 6 + ["wait"]
    for item in some:
        loud = np.flatnonzero(np.abs(item.samples) > 0.4 * np.abs(item.samples).max())
        assert 0.2 * 16_000 < loud[0] < 0.6 * 16_000
        assert 0.04 * 16_000 < len(item.samples) - loud[-1] < 0.6 * 16_000


def test_with_fit_the_margin_is_written_where_it_is_read(monkeypatch, tmp_path, capsys) -> None:
    ours, source = Path(overheard.__file__), tmp_path / "overheard.py"
    source.write_text(ours.read_text())
    monkeypatch.setattr(subject.overheard, "__file__", str(source))
    found = [outcome(OKAY, 350.0), outcome(COUGH, -5.0), outcome(STOP, 900.0)]
    judge = [replace(each, item=replace(each.item, fold="judge")) for each in found]
    listening = [outcome(replace(OKAY, fold=fold), -5.0) for fold in ("tune", "judge")]
    monkeypatch.setattr(subject, "run", lambda repeat: [*found, *judge, *listening])
    main(["--fit", "--out", str(tmp_path)])
    assert f"MARGIN: Final = {fitted(found + listening)}  #" in source.read_text()
    assert f"MARGIN: Final = {MARGIN}  #" in ours.read_text(), "this one is another's"
    written = json.loads((tmp_path / "overheard.json").read_text())
    assert written["settings"]["margin"] == fitted(found + listening)
    assert "ends it %" in capsys.readouterr().out
