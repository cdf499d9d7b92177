"""Whether what a scenario expects holds for what came of it. Pure.

Levels are those of packets, so ducking is seen only on a voice of even loudness: the tones of
the scripted engine.
"""

import re
from dataclasses import dataclass

from benchmarks.dialogue.account import Account, Replied, Uttered
from benchmarks.dialogue.scenario import OF_A_LINE, STILL_ON, Expectation, Scenario, keys

_DUCKED = 10 ** (-8 / 20)  # of the level before; the agent ducks by 12 dB
_GONE = 10 ** (-24 / 20)  # softer than that it is silent, and not ducked
_FULL = 10 ** (-3 / 20)
_BEFORE_S = 0.5
_WINDOW_S = 0.1  # holds a tone whole but for its gap
_GOES_ON_S = 0.3  # else it was about to be stopped
_GAP_S = 0.4  # between two words of a reply that goes on


@dataclass(frozen=True, slots=True)
class Verdict:
    """One key of an expectation."""

    what: str
    expected: str
    measured: str
    holds: bool
    fails_because: str = ""  # it is known not to hold

    @property
    def is_good(self) -> bool:
        """As the scenario has it: what is known to fail must not hold unnoticed."""
        return self.holds is not bool(self.fails_because)


@dataclass(frozen=True, slots=True)
class _Finding:
    expected: str
    measured: str
    holds: bool


def judge(scenario: Scenario, account: Account) -> tuple[Verdict, ...]:
    """Compare every key of every expectation."""
    verdicts = []
    if account.stuck:
        verdicts.append(Verdict("the caller's lines", "said", account.stuck, False))
    for expected in scenario.expect:
        number = expected.line or len(scenario.caller)
        for key in keys(expected):
            what = f"line {number} {key}" if key in OF_A_LINE else key
            found = _find(key, expected, number, account)
            verdicts.append(
                Verdict(
                    what, found.expected, found.measured, found.holds, expected.fails_because
                )
            )
    return tuple(verdicts)


def _find(key: str, expected: Expectation, number: int, account: Account) -> _Finding:
    value = getattr(expected, key)
    if key in OF_A_LINE:
        if number > len(account.lines):
            return _Finding(str(value), "not said", False)
        return _of_a_line(key, value, account, account.lines[number - 1])
    match key:
        case "utterances":
            return _exactly(value, len(account.of("input_audio_buffer.committed")))
        case "completed":
            return _exactly(value, _status(account, "completed"))
        case "cut":
            return _exactly(value, _status(account, "cancelled"))
        case "heard":
            return _words(value, account.heard, are_in=value)
        case "unheard":
            return _words(value, account.heard, are_in=())
        case "understood":
            return _words(value, account.understood, are_in=value)
        case "not_understood":
            return _words(value, account.understood, are_in=())
        case "ended_by":
            event = account.ended_by
            reason = STILL_ON if event is None else str(event.body.get("reason"))
            return _Finding(value, reason, reason == value)
        case "ended_ms":
            event = account.ended_by
            return _within(value, None if event is None else event.at_s, account.start_s)
        case "state":
            return _Finding(value, account.state, account.state == value)
    raise AssertionError(key)


def _of_a_line(key: str, value: int, account: Account, line: Uttered) -> _Finding:
    match key:
        case "answered_ms":
            began = (reply.began_s for reply in account.replies)
            answer_s = next((at_s for at_s in began if at_s >= line.ended_s), None)
            return _within(value, answer_s, line.ended_s)
        case "cut_ins":
            within = [r for r in account.replies if line.began_s <= r.began_s < line.ended_s]
            return _Finding(f"≤ {value}", str(len(within)), len(within) <= value)
    reply = _sounding(account, line.began_s)
    if reply is None:
        return _Finding(f"≤ {value} ms", "the agent was not speaking", False)
    match key:
        case "silent_ms":
            return _within(value, reply.ended_s, line.began_s)
        case "ducked_ms":
            return _within(value, _ducked_s(account, reply, line.began_s), line.began_s)
        case "resumed_ms":
            return _within(value, _full_s(account, reply, line), line.ended_s)
    raise AssertionError(key)


def _sounding(account: Account, at_s: float) -> Replied | None:
    """The reply that the caller heard just then."""
    before = [reply for reply in account.replies if reply.began_s <= at_s]
    return before[-1] if before and at_s - before[-1].ended_s < _GAP_S else None


def _ducked_s(account: Account, reply: Replied, from_s: float) -> float | None:
    before = account.loudness(max(reply.began_s, from_s - _BEFORE_S), from_s) or 1.0
    for at_s, _ in account.peaks:
        if from_s <= at_s < reply.ended_s:
            level = (account.loudness(at_s, at_s + _WINDOW_S) or 0.0) / before
            if _GONE < level <= _DUCKED:
                return at_s
    return None


def _full_s(account: Account, reply: Replied, line: Uttered) -> float | None:
    before = account.loudness(max(reply.began_s, line.began_s - _BEFORE_S), line.began_s) or 1.0
    for at_s, peak in account.peaks:
        goes_on = at_s <= reply.ended_s - _GOES_ON_S
        if line.ended_s <= at_s and goes_on and peak >= _FULL * before:
            return at_s
    return None


def _within(limit_ms: int, at_s: float | None, from_s: float) -> _Finding:
    if at_s is None:
        return _Finding(f"≤ {limit_ms} ms", "never", False)
    took_ms = max(0, round((at_s - from_s) * 1000))
    return _Finding(f"≤ {limit_ms} ms", f"{took_ms} ms", took_ms <= limit_ms)


def _exactly(value: int, measured: int) -> _Finding:
    return _Finding(str(value), str(measured), value == measured)


def _status(account: Account, status: str) -> int:
    done = account.of("response.done")
    return sum(event.body["response"]["status"] == status for event in done)


def _words(parts: tuple[str, ...], texts: tuple[str, ...], are_in: tuple[str, ...]) -> _Finding:
    """Each part within one of the texts, or none."""
    plain = [_plain(text) for text in texts]
    found = tuple(part for part in parts if any(_plain(part) in each for each in plain))
    expected = " | ".join(parts) if are_in else f"not: {' | '.join(parts)}"
    return _Finding(expected, " | ".join(texts) or "nothing", found == are_in)


def _plain(text: str) -> str:
    """Lower-case words, each between spaces."""
    words = " ".join(re.findall(r"[\w'-]+", text.lower()))
    return f" {words} "
