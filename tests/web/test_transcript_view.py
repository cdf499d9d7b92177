"""transcript-view.js: where a reader is left, and which way words run."""

import pytest
from web_agent import ELEMENT, connect, receive

LOG = f"{ELEMENT}.shadowRoot.querySelector('.transcript')"
SCROLL = f"""(top) => new Promise((moved) => {{
  const log = {LOG};
  log.addEventListener('scroll', moved, {{ once: true }});
  log.scrollTop = top;
}})"""
NOTE = f"""async () => {{
  const note = document.createElement('p');
  note.slot = 'item-29';
  note.textContent = 'answered in 200 ms';
  note.style.height = '100px';
  {ELEMENT}.append(note);
  await new Promise(requestAnimationFrame); // browsers tell of slots before it
}}"""
TO_END = f"{LOG}.scrollHeight - {LOG}.clientHeight - {LOG}.scrollTop"


def agent(id):
    return {"type": "conversation.item.added", "item": {"id": id, "role": "assistant"}}


def words(id, delta):
    return {"type": "response.output_audio_transcript.delta", "item_id": id, "delta": delta}


@pytest.fixture
def told(host):
    """A page that has seen more of a call than the log can show."""
    page = host()
    connect(page)
    for n in range(30):
        receive(page, agent(f"{n}"), words(f"{n}", "It is noon."))
    page.wait_for_function(f"{LOG}.scrollTop > 0 && {TO_END} < 1")
    return page


def test_a_note_beside_the_last_words_is_followed(told):
    told.evaluate(NOTE)
    assert told.evaluate(TO_END) < 1


def test_a_reader_further_up_is_left_there_by_words_and_by_notes(told):
    told.evaluate(SCROLL, 0)
    receive(told, words("29", " And a bit."))
    told.evaluate(NOTE)
    assert told.evaluate(f"{LOG}.scrollTop") == 0


def test_words_of_which_none_was_heard_still_run_as_their_language_does(host):
    page = host()
    connect(page)
    receive(page, agent("a"), words("a", "מה השעה?"))
    direction = f"getComputedStyle({ELEMENT}.shadowRoot.querySelector('bdi')).direction"
    assert page.evaluate(direction) == "rtl"
    cut = {"heard": "", "unheard": "מה השעה?"}
    receive(page, {"type": "voxline.response.heard", "item_id": "a", **cut})
    assert page.evaluate(direction) == "rtl"
