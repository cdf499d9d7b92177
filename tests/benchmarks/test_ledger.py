"""The ledger's benchmark: what it compares, what it prints, and one small run of it."""

import asyncio
import json
from contextlib import asynccontextmanager
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile

from agent.audio.frame import HEAR_HZ, SPEAK_HZ
from agent.engines import Style
from agent.voices.espeak import EspeakVoice
from benchmarks import ledger
from benchmarks.caller import Event
from benchmarks.ledger_truth import script
from benchmarks.microphone import Utterance

TEXT = "One, two, three, four, five."


@pytest.fixture(scope="module")
def known():
    return script(EspeakVoice(), TEXT, Style(""))


def told(known, words, said=None, **more):
    """One in which the caller recorded so many words, and the server says `said`."""
    end = known.words[words - 1][2] + 1
    values = {
        "way": "cancel",
        "text": TEXT,
        "heard_words": words if said is None else said,
        "audio_ms": end * 1000 // HEAR_HZ,
        "recording": np.concatenate((known.samples[:end], np.zeros(HEAR_HZ, np.float32))),
        "speech_at_ms": None,
        "spoke_at_ms": None,
    }
    return ledger.Told(**{**values, **more})


@pytest.mark.parametrize(("said", "off"), [(3, 0), (4, 1), (1, -2)])
def test_words_are_counted_against_the_recording(known, said, off):
    compared = ledger.compare(told(known, 3, said), known, None)
    assert compared.words == off
    assert compared.ms == pytest.approx(0, abs=15)
    assert compared.recognised is None and compared.speech_ms is None


def test_where_they_began_to_speak_is_compared_too(known):
    spoke = told(known, 3, way="speech", speech_at_ms=900, spoke_at_ms=850.0)
    assert ledger.compare(spoke, known, None).speech_ms == 50


def test_a_recording_of_nothing_is_not_compared(known):
    silent = told(known, 3, recording=np.zeros(HEAR_HZ, np.float32))
    assert ledger.compare(silent, known, None) is None


def test_the_recogniser_is_asked_so_often_as_wanted(known):
    compared = ledger.evaluate([told(known, 3), None, told(known, 4), told(known, 5)], 2)
    assert [each.recognised is not None for each in compared] == [True, True, False]
    assert [each.words for each in compared] == [0, 0, 0]


def compared(words, way="speech", ms=0.0, recognised=None):
    return ledger.Compared(way, words, recognised, ms, 12.0 if way == "speech" else None, 9)


def test_the_table_tells_shares_and_the_worst():
    rows = [compared(0), compared(-1), compared(2, recognised=1), compared(0, "cancel", 8.0)]
    lines = ledger.text(rows, missed=1).splitlines()
    cells = {line.split("  ")[0]: line.split() for line in lines}
    assert cells["all"][1:] == ["4", "75.0", "%", "50.0", "%", "2", "0", "7"]
    assert cells["cancel"][1:] == ["1", "100.0", "%", "100.0", "%", "0", "8", "8"]
    assert "not interrupted: 1" in lines
    assert lines[-1].endswith("off by 12 ms p50, 12 p95")


def test_a_way_that_was_not_tried_has_no_row():
    assert "speech" not in ledger.text([compared(0, "cancel")], missed=0)


def test_what_is_said_over_it_begins_with_its_first_sound(tmp_path):
    sound = np.zeros(4 * SPEAK_HZ, np.float32)
    sound[SPEAK_HZ:] = np.sin(np.arange(3 * SPEAK_HZ) * 0.1) * 0.5
    soundfile.write(tmp_path / "a.wav", sound, SPEAK_HZ)
    spoken = ledger._from_first_sound(tmp_path / "a.wav")
    assert np.abs(spoken[:100]).max() > 0.04
    assert len(spoken) == 1.6 * SPEAK_HZ


@pytest.mark.slow
def test_a_reply_that_stopped_before_the_caller_spoke_was_not_interrupted(monkeypatch) -> None:
    """Killed: an IndexError, and with it 190 interruptions that had been made."""

    class Lost:
        """A call that ends while the caller draws breath."""

        def __init__(self, on_event) -> None:
            self.tell, self.heard = on_event, SimpleNamespace(sound=list, speech_s=[0.0])

        def send(self, event) -> None:
            if event["type"] == "response.create":
                self.tell(Event(0.0, "output_audio_buffer.started", {}))

        async def until(self, condition, limit_s) -> bool:
            return condition()

        async def silence(self, seconds) -> None:
            pass

        def begin(self, samples) -> Utterance:
            heard = {"heard": "One,", "unheard": " two.", "audio_ms": 9, "speech_at_ms": None}
            self.tell(Event(0.0, "voxline.response.heard", heard))
            self.tell(Event(0.0, "response.done", {}))
            return Utterance(samples)

    @asynccontextmanager
    async def dial(url, on_event, config):
        yield Lost(on_event)

    monkeypatch.setattr(ledger, "dial", dial)
    spoken = np.zeros(480, np.float32)
    assert asyncio.run(ledger.interrupt("nowhere", "speech", 1.0, spoken)) is None


def test_a_run_over_the_wire(tmp_path, capsys):
    """The operator counts, is interrupted both ways, and remembers what was recorded."""
    words = "excuse me, could you please stop counting now"
    spoken = [s.samples for s in EspeakVoice().speak(words, Style("en-gb"))]
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / "stop.wav", np.concatenate(spoken), SPEAK_HZ)
    ledger.main(
        [
            *("--interruptions", "2", "--cancel", "0.5", "--longest", "1.5"),
            *("--at-once", "2", "--recognise", "2", "--recordings", str(tmp_path / "in")),
            *("--json", str(tmp_path / "a.json"), "--plot", str(tmp_path / "a.png")),
        ]
    )
    printed = capsys.readouterr().out
    assert "not interrupted: 0" in printed
    read = json.loads((tmp_path / "a.json").read_text())
    found = read["figures"]["interruptions"]
    assert sorted(each["way"] for each in found) == ["cancel", "speech"]
    assert all(abs(each["words"]) <= 1 for each in found)
    assert (tmp_path / "a.png").stat().st_size > 5000
