"""What is shown of the results."""

import json

from accounts import account, reply
from dialogues import part

from benchmarks.dialogue.report import Result, line, table, write_json

HELLO = {"when": "start", "sounds": [{"noise_ms": 100}]}
LINES = ((1.0, 2.0),)


def result(name, *expect, began_s=2.3, late_ms=0.0):
    """A reply that begins then, to a line that ends at 2.0."""
    whole = account(reply(began_s, 4.0), lines=LINES)
    made = Result.of("virtual", part(HELLO, name=name, expect=list(expect)), whole)
    return Result(made.name, made.about, made.world, made.lasted_s, late_ms, made.verdicts)


GOOD = result("good", {"answered_ms": 400}, {"completed": 1})
BAD = result("bad", {"answered_ms": 200, "completed": 1})
KNOWN = result("known", {"answered_ms": 200, "fails_because": "nobody built it"}, {"cut": 0})
HEALED = result("healed", {"answered_ms": 400, "fails_because": "nobody built it"})
SKIPPED = Result.without("virtual", "gone", part(HELLO).scenario, ["jfk", "noise1"])


def rows(*results):
    return [each.split() for each in table(results).splitlines()]


def test_a_result_is_good_when_all_is_as_the_scenario_has_it() -> None:
    assert [each.outcome for each in (GOOD, BAD, KNOWN, HEALED, SKIPPED)] == (
        ["ok", "FAILED", "ok", "FAILED", "skipped"]
    )


def test_a_line_says_at_once_what_is_wrong() -> None:
    assert line(GOOD) == "ok      good"
    assert line(BAD).split() == ["FAILED", "bad", "line", "1", "answered_ms", "300", "ms"]
    assert line(SKIPPED).endswith(
        "no recording jfk, noise1; VOXLINE_RECORDINGS names their folder"
    )


def test_the_table_has_what_was_expected_beside_what_was_measured() -> None:
    shown = rows(GOOD, BAD)
    assert shown[0] == ["dialogue", "what", "expected", "measured"]
    assert shown[1] == "good ok line 1 answered_ms ≤ 400 ms 300 ms".split()
    assert shown[2] == "ok completed 1 1".split()
    assert shown[3] == "bad FAILED line 1 answered_ms ≤ 200 ms 300 ms".split()
    assert shown[-1] == "1 of 2 dialogues as expected, 1 not".split()


def test_columns_stand_below_each_other() -> None:
    lines = table([GOOD, BAD, SKIPPED]).splitlines()
    column = lines[0].index("expected")
    assert lines[1][column:].startswith("≤ 400 ms")
    assert lines[3][column:].startswith("≤ 200 ms")


def test_what_is_known_to_fail_says_why_and_that_it_holds_is_a_failure() -> None:
    text = table([KNOWN, HEALED])
    assert "known   line 1 answered_ms  ≤ 200 ms  300 ms (nobody built it)" in text
    assert "300 ms (it holds now: take fails_because away)" in text
    assert "1 of 2 dialogues as expected, 1 not, 1 expectations are known not to hold" in text


def test_what_was_skipped_is_told_with_its_reason() -> None:
    shown = table([SKIPPED])
    assert "gone" in shown and "no recording jfk, noise1" in shown
    assert shown.endswith("0 of 1 dialogues as expected, 1 skipped")


def test_a_busy_machine_is_told_of() -> None:
    late = result("late", {"answered_ms": 400}, late_ms=120.0)
    assert "own packets left up to 120 ms late" in table([GOOD, late])
    assert "late" not in table([GOOD])


def test_long_words_are_cut_short() -> None:
    whole = account(reply(2.3, 4.0, words="word " * 100), lines=LINES)
    long = Result.of("virtual", part(HELLO, expect=[{"heard": ["word"]}]), whole)
    assert max(map(len, table([long]).splitlines())) < 120


def test_json_holds_every_verdict(tmp_path, capsys) -> None:
    write_json([BAD, SKIPPED], tmp_path / "out.json")
    bad, skipped = json.loads((tmp_path / "out.json").read_text())
    assert (bad["name"], bad["world"], bad["outcome"]) == ("bad", "virtual", "FAILED")
    assert bad["verdicts"][0] == {
        "what": "line 1 answered_ms",
        "expected": "≤ 200 ms",
        "measured": "300 ms",
        "holds": False,
        "fails_because": "",
    }
    assert skipped["outcome"] == "skipped" and skipped["verdicts"] == []
    write_json([GOOD], None)
    assert json.loads(capsys.readouterr().out)[0]["outcome"] == "ok"
