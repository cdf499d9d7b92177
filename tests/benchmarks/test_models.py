"""What is said of measured steps: floors, the stock way, targets."""

import pytest

from benchmarks import models, report
from benchmarks.models import Row


def row(what, *times, floor=None, stock=None):
    return Row(what, report.summarize(times), floor, stock)


ROWS = [
    row("first token of 3 s of speech", 10.0, 11.0, 12.0, floor=5.5, stock=110.0),
    row("token, batch 1", 2.0, floor=1.0, stock=20.0),
    row("token, batch 16", 3.0, floor=1.5),
    row("phrase 1: 6 words, 1.5 s", 14.0),
    row("pause to first audio, 1 calls at once", 50.0, 55.0),
    row("pause to first audio, 16 calls at once", 90.0, 160.0),
]


def test_the_table_sets_each_step_beside_its_floor_and_the_stock_way() -> None:
    first, *_ = models.table(ROWS).splitlines()[2:]
    assert first.split()[-6:] == ["11.0", "12.0", "5.50", "2.00", "110", "10.0"]


def test_each_target_is_said_beside_what_was_measured_and_of_nothing_else() -> None:
    assert models.verdicts(ROWS) == [
        "first token of 3 s of speech: 11.0 ms (target 12)",
        "token, batch 1: 2.0 ms (target 2.2)",
        "phrase 1: 6 words, 1.5 s: 14.0 ms (target 15)",
        "pause to first audio, 1 calls at once: p95 55.0 ms (target 60)",
        "pause to first audio, 16 calls at once: p95 160.0 ms (target 150)",
    ]


@pytest.mark.parametrize(
    "wrong", [["--repeats", "0"], ["--only", "espeak"], ["--size", "tiny"]]
)
def test_what_cannot_be_measured_is_refused(wrong, capsys) -> None:
    with pytest.raises(SystemExit):
        models.main(wrong)
    assert wrong[0] in capsys.readouterr().err
