"""How long a voice is silent behind a phrase: one phrase must not run into the next. Pure."""

from agent.audio.frame import SPEAK_HZ

_PAUSE_MS = {
    **dict.fromkeys(".!?…।॥", 200),
    **dict.fromkeys(",;:—–", 100),  # noqa: RUF001 - dashes as people type them
}
_CLOSERS = "\"'”’»)]}"  # noqa: RUF001 - closing quotes are meant


def pause_samples(text: str, speed: float) -> int:
    """Samples of silence at SPEAK_HZ that the last mark of `text` asks for."""
    mark = text.rstrip(_CLOSERS)[-1:]
    return round(_PAUSE_MS.get(mark, 0) * SPEAK_HZ / 1000 / speed)
