"""Made-up accounts of a call: packets and events as a caller gets them."""

from benchmarks.caller import Event
from benchmarks.dialogue.account import Account, Uttered

FRAME_S = 0.02
LOUD = 0.5


def event(at_s, kind, **body):
    return Event(at_s, kind, {"type": kind, **body})


def done(at_s, id, status, words):
    """The end of a reply, of which `words` were heard."""
    content = [{"type": "output_audio", "transcript": words}]
    response = {"id": id, "status": status, "output": [{"type": "message", "content": content}]}
    return event(at_s, "response.done", response=response)


def sound(begin_s, end_s, peak=LOUD):
    """A packet each 20 ms."""
    count = round((end_s - begin_s) / FRAME_S)
    return [(begin_s + n * FRAME_S, peak) for n in range(count)]


def reply(begin_s, end_s, id="r1", status="completed", words="one two three"):
    """Packets and events of a reply."""
    told = [event(begin_s, "output_audio_buffer.started", response_id=id)]
    if status:
        told.append(done(end_s, id, status, words))
    return sound(begin_s, end_s), told


def account(*replies, lines=(), events=(), peaks=(), stuck="", end_s=20.0):
    packets = sorted([*peaks, *(packet for sounds, _ in replies for packet in sounds)])
    told = sorted([*events, *(e for _, told in replies for e in told)], key=lambda e: e.at_s)
    said = tuple(Uttered(*line) for line in lines)
    return Account(0.0, end_s, said, tuple(packets), tuple(told), stuck)
