"""A call's timeline as a picture: both sides' sound, the ear's doubts, states and decisions."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agent.audio.frame import HEAR_HZ, SPEAK_HZ, Samples
from agent.events import PauseJudged
from agent.flight.entries import Entry, Stepped, Told, Voiced, decisions
from agent.flight.replay import Replayed
from agent.notices import StateChanged, TurnMeasured

if TYPE_CHECKING:  # matplotlib takes half a second to import
    from matplotlib.axes import Axes

_INCHES_PER_S = 0.8
_INCHES = (8.0, 60.0)  # wide, at least and at most
_COLUMNS_PER_INCH = 100
_COLOURS = {
    "listening": "#dddddd",
    "hearing": "#6baed6",
    "paused": "#fdd049",
    "replying": "#74c476",
    "overlap": "#e6550d",
    "closed": "#636363",
}


class Span(NamedTuple):
    """A state of the turns, from and to in seconds."""

    begin_s: float
    end_s: float
    state: str


class Envelope(NamedTuple):
    """Lowest and highest sample of each column; [columns] each."""

    at_s: Samples
    low: Samples
    high: Samples


def draw(path: Path, replayed: Replayed, *, title: str) -> None:
    """Write a PNG. Raises OSError."""
    from matplotlib.figure import Figure

    ends_s = max((entry.at for entry in replayed.entries), default=0.0) or 1.0
    inches = min(max(_INCHES[0], ends_s * _INCHES_PER_S), _INCHES[1])
    columns = round(inches * _COLUMNS_PER_INCH)
    figure = Figure(figsize=(inches, 8), layout="constrained")
    ratios = (3, 2, 3, 3)
    caller, doubts, agent, turns = figure.subplots(4, 1, sharex=True, height_ratios=ratios)
    caller.set_title(title, parse_math=False)
    _wave(caller, "caller", envelope(replayed.caller, HEAR_HZ, ends_s, columns), "#3182bd")
    _doubts(doubts, replayed.entries)
    _wave(agent, "agent", envelope(replayed.agent, SPEAK_HZ, ends_s, columns), "#31a354")
    _turns(turns, replayed.entries, ends_s)
    turns.set_xlabel("seconds")
    turns.set_xlim(0, ends_s)
    figure.legend(loc="outside lower center", ncols=8, fontsize="small")
    figure.savefig(path, dpi=_COLUMNS_PER_INCH)


def envelope(
    pieces: Sequence[tuple[float, Samples]], rate_hz: int, ends_s: float, columns: int
) -> Envelope:
    """What a waveform looks like `columns` wide; where nothing is heard it is flat."""
    low, high = np.zeros(columns, np.float32), np.zeros(columns, np.float32)
    for at_s, samples in pieces:
        places = ((at_s + np.arange(len(samples)) / rate_hz) / ends_s * columns).astype(int)
        within = places < columns
        np.minimum.at(low, places[within], samples[within])
        np.maximum.at(high, places[within], samples[within])
    at = (np.arange(columns) + 0.5) * np.float32(ends_s / columns)
    return Envelope(at.astype(np.float32), low, high)


def spans(entries: Sequence[Entry], ends_s: float) -> Iterator[Span]:
    """The states of the turns, one after the other, from 0 to `ends_s`."""
    state, since_s = "listening", 0.0
    for entry in entries:
        if isinstance(entry, Told) and isinstance(entry.notice, StateChanged):
            yield Span(since_s, entry.at, state)
            state, since_s = entry.notice.state, entry.at
    yield Span(since_s, ends_s, state)


def labels(entries: Sequence[Entry], apart_s: float) -> Iterator[tuple[float, str]]:
    """The decisions, each with its time; those that come within `apart_s` share a label."""
    begun_s, names = 0.0, list[str]()
    for decision in decisions(entries):
        if names and decision.at - begun_s >= apart_s:
            yield begun_s, ", ".join(names)
            names = []
        begun_s = begun_s if names else decision.at
        turn = getattr(decision.command, "turn", "")
        names.append(f"{type(decision.command).__name__} {turn}".strip())
    if names:
        yield begun_s, ", ".join(names)


def _wave(axes: "Axes", name: str, wave: Envelope, colour: str) -> None:
    axes.fill_between(wave.at_s, wave.low, wave.high, color=colour, linewidth=0.5)
    axes.set_ylim(-1, 1)
    axes.set_ylabel(name)


def _doubts(axes: "Axes", entries: Sequence[Entry]) -> None:
    voiced = [(entry.at, entry.probability) for entry in entries if isinstance(entry, Voiced)]
    judged = [
        (entry.at, entry.event.odds)
        for entry in entries
        if isinstance(entry, Stepped) and isinstance(entry.event, PauseJudged)
    ]
    if voiced:
        axes.plot(*zip(*voiced, strict=True), color="#3182bd", label="speech (VAD)")
    if judged:
        axes.plot(*zip(*judged, strict=True), ".", color="#e6550d", label="turn over (odds)")
    axes.set_ylim(-0.05, 1.05)
    axes.set_ylabel("probability")


def _turns(axes: "Axes", entries: Sequence[Entry], ends_s: float) -> None:
    for begin_s, end_s, state in spans(entries, ends_s):
        colour = _COLOURS.get(state, "#bcbddc")
        axes.broken_barh([(begin_s, end_s - begin_s)], (0, 1), facecolors=colour)
    for name in dict.fromkeys(span.state for span in spans(entries, ends_s)):
        axes.bar(0, 0, color=_COLOURS.get(name, "#bcbddc"), label=name)
    for at_s, label in labels(entries, ends_s / 100):
        axes.axvline(at_s, color="black", linewidth=0.5)
        axes.text(at_s, 1.05, label, rotation=90, fontsize=7, parse_math=False)
    for entry in entries:
        if isinstance(entry, Told) and isinstance(entry.notice, TurnMeasured):
            label = f"{entry.notice.latency_ms:.0f} ms"
            axes.text(entry.at, 0.5, label, fontsize=7)
    axes.set_ylim(0, 3)
    axes.set_yticks([])
    axes.set_ylabel("turns")
