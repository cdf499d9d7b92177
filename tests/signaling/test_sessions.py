import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types.realtime import RealtimeSessionCreateRequest

from agent.config_file import load
from agent.errors import RejectedOffer
from agent.language import narrowed
from agent.requests import CallSettings
from signaling.codes import Code
from signaling.sessions import MAX_INSTRUCTIONS, VENDOR_VOICES, Session

CONFIG = load(None)
LONGEST_MS = CONFIG.turns.longest_wait_ms
CONFIGURED = Session.fresh(CONFIG, "sess_1", ("nora", "otto"))


def changes(patch, before=CONFIGURED):
    return before.updated(patch).changes_since(before)


# As espeak's: named after languages.
POLYGLOT = Session.fresh(load(None), "sess_1", ("en-us", "de", "fr-fr", "en-us+f3"))

BY_LANGUAGE = {"de": "de", "en-US": "en-us"}

# As Kokoro's: named after people, and the engine says what they speak.
TOLD = Session.fresh(load(None), "sess_1", ("af_heart", "ff_siwis"), ("en", "de", "fr"))


def language(tag):
    return {"audio": {"input": {"transcription": {"language": tag}}}}


def voice(name):
    return {"audio": {"output": {"voice": name}}}


def detection(**fields):
    return {"audio": {"input": {"turn_detection": fields}}}


def shown(session):
    return session.view()["audio"]["input"]["turn_detection"]


MANUAL = {"audio": {"input": {"turn_detection": None}}}


class TestFresh:
    def test_shows_what_config_says(self):
        config = load(None, {"turns.end_of_turn_ms": 333, "agent.voice_name": "anna"})
        view = Session.fresh(config, "sess_1", ("nora",)).view()
        assert view["audio"]["input"]["turn_detection"]["silence_duration_ms"] == 333
        assert view["audio"]["output"] == {"voice": "anna", "speed": 1.0}
        assert view["instructions"] == config.agent.instructions

    def test_the_first_voice_is_the_default(self):
        assert CONFIGURED.voice == "nora"

    def test_the_voice_is_the_one_that_speaks_the_configured_language(self):
        config = load(None, {"agent.language": "de"})
        session = Session.fresh(config, "s", ("en-us", "de"), voice_of=BY_LANGUAGE.__getitem__)
        assert session.voice == "de"

    def test_an_engine_without_named_voices(self):
        assert Session.fresh(load(None), "sess_1", ()).view()["audio"]["output"]["voice"]

    def test_is_what_the_vendor_calls_a_session(self):
        RealtimeSessionCreateRequest.model_validate(CONFIGURED.view(), strict=True)


class TestUpdate:
    def test_an_empty_patch_changes_nothing(self):
        assert CONFIGURED.updated({}) == CONFIGURED
        assert changes({}) == CallSettings()

    @pytest.mark.parametrize(
        ("patch", "expected"),
        [
            ({"instructions": "Hm."}, CallSettings(instructions="Hm.")),
            ({"instructions": ""}, CallSettings(instructions="")),
            ({"audio": {"output": {"voice": "otto"}}}, CallSettings(voice="otto")),
            ({"audio": {"output": {"voice": {"id": "otto"}}}}, CallSettings(voice="otto")),
            ({"audio": {"output": {"speed": 1.5}}}, CallSettings(speed=1.5)),
            ({"audio": {"output": {"speed": 2}}}, CallSettings(speed=2.0)),
            (
                {"audio": {"input": {"transcription": {"language": "en-GB"}}}},
                CallSettings(language="en-GB"),
            ),
            (detection(threshold=0.7), CallSettings(vad_threshold=0.7)),
            (detection(silence_duration_ms=500), CallSettings(end_of_turn_ms=500)),
            (detection(prefix_padding_ms=100), CallSettings(preroll_ms=100)),
            (detection(create_response=False), CallSettings(create_response=False)),
            (detection(interrupt_response=False), CallSettings(interrupt_response=False)),
            (MANUAL, CallSettings(create_response=False, interrupt_response=False)),
            (detection(type="semantic_vad", eagerness="high"), CallSettings(eagerness="high")),
            (detection(type="server_vad"), CallSettings(end_of_turn_ms=LONGEST_MS)),
        ],
    )
    def test_one_field_at_a_time(self, patch, expected):
        assert changes(patch) == expected

    def test_is_deep(self):
        """A field left out stays, at every depth."""
        session = CONFIGURED.updated(detection(silence_duration_ms=700))
        session = session.updated(detection(threshold=0.6))
        session = session.updated({"audio": {"output": {"speed": 1.2}}})
        assert shown(session)["silence_duration_ms"] == 700
        assert shown(session)["threshold"] == 0.6

    def test_null_leaves_a_field_as_it_is(self):
        nothing = {"type": None, "instructions": None, "audio": {"output": None, "input": None}}
        assert CONFIGURED.updated(nothing) == CONFIGURED
        assert CONFIGURED.updated(detection(threshold=None)) == CONFIGURED

    def test_a_change_says_only_what_changed(self):
        first = CONFIGURED.updated({"instructions": "One."})
        assert changes({"instructions": "One.", "audio": {}}, first) == CallSettings()

    def test_null_turn_detection_and_back(self):
        manual = CONFIGURED.updated(detection(silence_duration_ms=900)).updated(MANUAL)
        assert shown(manual) is None
        again = manual.updated(detection(type="server_vad"))
        assert again.changes_since(manual) == CallSettings(
            end_of_turn_ms=LONGEST_MS, create_response=True, interrupt_response=True
        )
        judged = manual.updated(detection(type="semantic_vad"))
        assert judged.changes_since(manual).end_of_turn_ms is None
        assert again.detection.silence_duration_ms == CONFIGURED.detection.silence_duration_ms

    def test_null_turn_detection_waits_as_configured(self):
        fixed = Session.fresh(load(None, {"turns.end_of_turn_ms": 700}), "sess_x", ("en-us",))
        manual = fixed.updated(MANUAL)
        assert manual.changes_since(fixed).end_of_turn_ms is None
        other = fixed.updated(detection(silence_duration_ms=200))
        assert other.updated(MANUAL).changes_since(other).end_of_turn_ms == 700

    def test_a_silence_is_a_fixed_wait_and_semantic_vad_takes_it_back(self):
        fixed = CONFIGURED.updated(detection(silence_duration_ms=300))
        assert shown(fixed)["type"] == "server_vad"
        judged = fixed.updated(detection(type="semantic_vad"))
        assert judged.changes_since(fixed).end_of_turn_ms == 0

    def test_another_kind_of_detection_begins_from_what_is_configured(self):
        session = CONFIGURED.updated(detection(type="server_vad", silence_duration_ms=900))
        session = session.updated(detection(type="semantic_vad", eagerness="low"))
        assert shown(session) == {
            "type": "semantic_vad",
            "eagerness": "low",
            "create_response": True,
            "interrupt_response": True,
        }
        assert session.detection.silence_duration_ms == CONFIGURED.detection.silence_duration_ms

    @pytest.mark.parametrize("name", sorted(VENDOR_VOICES))
    def test_the_vendors_voices_mean_our_default(self, name):
        other = CONFIGURED.updated(voice("otto"))
        assert other.updated(voice(name)).voice == "nora"
        assert changes(voice(name), other) == CallSettings(voice="")  # as in config.yaml

    def test_the_default_voice_once_named_is_more_than_a_default(self):
        """Else the call would let the language choose another."""
        patch = {"audio": {**language("de")["audio"], **voice("en-us")["audio"]}}
        assert changes(patch, POLYGLOT) == CallSettings(language="de", voice="en-us")
        german = POLYGLOT.updated(language("de"))
        assert changes(voice("en-us"), german) == CallSettings(voice="en-us")
        assert changes(language("de"), POLYGLOT) == CallSettings(language="de")

    def test_the_voice_that_is_shown_is_the_one_that_is_spoken(self):
        """Killed: a German caller whose session says that en-us speaks."""
        fresh = Session.fresh(
            load(None), "s", ("en-us", "de"), voice_of=BY_LANGUAGE.__getitem__
        )
        german = fresh.updated(language("de"))
        assert (fresh.voice, german.voice) == ("en-us", "de")
        assert german.updated(voice("en-us")).voice == "en-us", "it was named"
        assert german.updated(voice("ash")).voice == "de", "the vendor's name none of ours"
        assert german.changes_since(fresh) == CallSettings(language="de"), "it is only shown"
        config = load(None, {"agent.voice_name": "nora"})
        configured = Session.fresh(
            config, "s", ("en-us", "de"), voice_of=BY_LANGUAGE.__getitem__
        )
        assert configured.updated(language("de")).voice == "nora"

    def test_an_engine_that_does_not_tell_who_speaks_a_language_shows_its_default(self):
        assert POLYGLOT.updated(language("de")).voice == "en-us"

    def test_what_a_vendors_sdk_names_unasked_leaves_the_language_its_choice(self):
        patch = {"audio": {**language("de")["audio"], **voice("ash")["audio"]}}
        assert changes(patch, POLYGLOT) == CallSettings(language="de")

    @pytest.mark.parametrize(
        "tag", ["en", "EN-gb", "de", "de-CH-1996", "fr-Latn-FR", "es-419", "sl-rozaj-biske"]
    )
    def test_any_language_tag(self, tag):
        assert CONFIGURED.updated(language(tag)).language == tag

    @pytest.mark.parametrize("tag", ["de", "DE-at", "fr", "en-AU"])
    @pytest.mark.parametrize("before", [POLYGLOT, TOLD])
    def test_languages_that_a_voice_speaks(self, before, tag):
        assert before.updated(language(tag)).language == tag

    def test_a_language_of_which_only_a_kind_is_spoken_is_not(self):
        """Killed: espeak's Cherokee (chr-us-...), and "chr" in a session of silence."""
        names = ("en-us", "chr-us-x-west")
        fresh = Session.fresh(load(None), "s", names, voice_of=lambda tag: narrowed(tag, names))
        with pytest.raises(RejectedOffer, match="chr, for which there is no voice"):
            fresh.updated(language("chr"))

    def test_a_voice_that_config_names_speaks_all_that_its_engine_does(self):
        """Kokoro's af_heart reads French, of which no other voice needs to be there."""
        config = load(None, {"agent.voice_name": "af_heart"})
        known = {"en-US": "af_heart", "fr": ""}
        fresh = Session.fresh(config, "s", ("af_heart",), ("en", "fr"), known.__getitem__)
        assert fresh.updated(language("fr")).voice == "af_heart"

    def test_what_a_vendors_sdk_sends_unasked(self):
        """The session.update of the vendor's JavaScript SDK, on open."""
        patch = {
            "type": "realtime",
            "instructions": "",
            "model": "gpt-realtime",
            "output_modalities": ["audio"],
            "audio": {
                "input": {
                    "format": {"type": "audio/pcm", "rate": 24000},
                    "noise_reduction": None,
                    "transcription": {"model": "gpt-4o-mini-transcribe"},
                    "turn_detection": {"type": "semantic_vad"},
                },
                "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "ash"},
            },
            "tool_choice": "auto",
            "tracing": "auto",
        }
        assert changes(patch) == CallSettings(instructions="")
        assert CONFIGURED.updated(patch).view()["model"] == "voxline"


class TestRefusals:
    @pytest.mark.parametrize(
        ("patch", "param"),
        [
            (None, "session"),
            ([], "session"),
            ({"type": "transcription"}, "session.type"),
            ({"instructions": 1}, "session.instructions"),
            ({"instructions": "x" * (MAX_INSTRUCTIONS + 1)}, "session.instructions"),
            ({"output_modalities": ["text"]}, "session.output_modalities"),
            ({"output_modalities": "audio"}, "session.output_modalities"),
            ({"audio": 1}, "session.audio"),
            ({"audio": {"output": {"speed": 9}}}, "session.audio.output.speed"),
            ({"audio": {"output": {"speed": True}}}, "session.audio.output.speed"),
            (
                {"audio": {"input": {"transcription": {"language": "!"}}}},
                "session.audio.input.transcription.language",
            ),
            (detection(type="none"), "session.audio.input.turn_detection.type"),
            (detection(type=[]), "session.audio.input.turn_detection.type"),
            (detection(threshold="0.5"), "session.audio.input.turn_detection.threshold"),
            (detection(threshold=1.0), "session.audio.input.turn_detection.threshold"),
            (
                detection(silence_duration_ms=499.5),
                "session.audio.input.turn_detection.silence_duration_ms",
            ),
            (
                detection(create_response="yes"),
                "session.audio.input.turn_detection.create_response",
            ),
            (detection(eagerness="mad"), "session.audio.input.turn_detection.eagerness"),
        ],
    )
    def test_name_the_field(self, patch, param):
        with pytest.raises(RejectedOffer) as caught:
            CONFIGURED.updated(patch)
        assert (caught.value.code, caught.value.param) == (Code.INVALID_VALUE, param)
        assert param in caught.value.message

    @pytest.mark.parametrize("name", ["who", 7, {"id": "who"}, {}, []])
    def test_an_unknown_voice_names_those_there_are(self, name):
        with pytest.raises(RejectedOffer) as caught:
            CONFIGURED.updated(voice(name))
        assert caught.value.code == Code.UNKNOWN_VOICE
        assert "nora, otto" in caught.value.message

    @pytest.mark.parametrize("tag", ["xx-YY", "zz", "us"])
    @pytest.mark.parametrize("before", [POLYGLOT, TOLD])
    def test_a_language_without_a_voice_names_those_there_are(self, before, tag):
        with pytest.raises(RejectedOffer, match=r"spoken are en, de, fr$") as caught:
            before.updated({"instructions": "Hm.", **language(tag)})
        assert caught.value.code == Code.UNKNOWN_LANGUAGE
        assert caught.value.param == "session.audio.input.transcription.language"

    @pytest.mark.parametrize(
        "tag",
        ["", "e", "en_US", "en-", "en--us", "english", "de-DE-DE", "en-a", "en-\u00e4\u00e4"],
    )
    def test_a_language_that_is_no_tag(self, tag):
        with pytest.raises(RejectedOffer, match="must be a language tag"):
            CONFIGURED.updated(language(tag))

    def test_instructions_that_cannot_be_encoded(self):
        with pytest.raises(RejectedOffer, match="surrogate"):
            CONFIGURED.updated({"instructions": "\ud800"})

    def test_not_every_voice_of_an_engine_with_hundreds_is_named(self):
        many = Session.fresh(load(None), "s", tuple(f"v{i}" for i in range(300)))
        with pytest.raises(RejectedOffer, match=r"v7 and 292 more$"):
            many.updated({"audio": {"output": {"voice": "who"}}})

    def test_bounds_are_those_of_config(self):
        with pytest.raises(RejectedOffer, match=r"between 50 and 10000"):
            CONFIGURED.updated(detection(silence_duration_ms=1))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    ["type", "instructions", "threshold", "silence_duration_ms", "eagerness", "speed", "voice"]
)
PATCHES = st.recursive(
    JSON,
    lambda inner: st.dictionaries(
        FIELDS | st.sampled_from(["audio", "input", "output", "turn_detection"]), inner
    ),
    max_leaves=8,
)


@given(PATCHES)
def test_any_json_is_taken_or_refused_by_name(patch):
    try:
        session = CONFIGURED.updated(patch)
    except RejectedOffer as error:
        assert error.param is not None and error.param.startswith("session")
    else:
        RealtimeSessionCreateRequest.model_validate(session.view(), strict=True)
        assert session.updated(patch) == session  # said twice is said once


WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "Look outside.",
    "parameters": {"type": "object", "properties": {}},
}
FLAT = ("weather", "Look outside.", '{"type": "object", "properties": {}}')


class TestTools:
    def test_are_shown_and_reach_the_call(self):
        session = CONFIGURED.updated({"tools": [WEATHER]})
        assert session.view()["tools"] == [WEATHER]
        assert session.changes_since(CONFIGURED) == CallSettings(tools=(FLAT,))
        RealtimeSessionCreateRequest.model_validate(session.view(), strict=True)

    def test_stay_until_others_come(self):
        session = CONFIGURED.updated({"tools": [WEATHER]})
        later = session.updated({"instructions": "Hm.", "tools": None})
        assert later.view()["tools"] == [WEATHER]
        assert later.changes_since(session).tools is None
        none = later.updated({"tools": []})
        assert none.view()["tools"] == []
        assert none.changes_since(later) == CallSettings(tools=())

    def test_a_wrong_one_is_named_and_nothing_holds(self):
        with pytest.raises(RejectedOffer) as caught:
            CONFIGURED.updated({"instructions": "Hm.", "tools": [WEATHER, {"type": "mcp"}]})
        assert caught.value.param == "session.tools[1].type"

    def test_the_operators_names_are_taken_and_not_shown(self):
        config = load(None, {"agent.tools": ["shop.outside:weather"]})
        session = Session.fresh(config, "sess_1", ("nora",))
        assert session.view()["tools"] == []
        with pytest.raises(RejectedOffer, match="weather is taken"):
            session.updated({"tools": [WEATHER]})

    def test_a_choice_of_none_takes_them_from_the_call(self):
        session = CONFIGURED.updated({"tools": [WEATHER], "tool_choice": "none"})
        assert session.view()["tool_choice"] == "none"
        assert session.view()["tools"] == [WEATHER]
        assert session.changes_since(CONFIGURED).may_call_tools is False
        assert session.updated({"tool_choice": None}).tool_choice == "none"
        again = session.updated({"tool_choice": "auto"})
        assert again.changes_since(session) == CallSettings(may_call_tools=True)
        RealtimeSessionCreateRequest.model_validate(session.view(), strict=True)

    def test_no_call_is_promised(self):
        with pytest.raises(RejectedOffer) as caught:
            CONFIGURED.updated({"tools": [WEATHER], "tool_choice": "required"})
        assert caught.value.param == "session.tool_choice"
