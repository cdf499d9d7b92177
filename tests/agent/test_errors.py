"""Three errors, by whose fault it is."""

from agent.errors import ConfigError, EngineError, RejectedOffer


def test_a_rejection_carries_what_a_client_is_told() -> None:
    error = RejectedOffer("no_audio", "the offer has no audio", param="sdp")
    assert (error.code, error.status, error.param) == ("no_audio", 400, "sdp")
    assert str(error) == error.message == "the offer has no audio"


def test_the_three_are_not_each_other() -> None:
    kinds = (ConfigError, EngineError, RejectedOffer)
    assert not any(issubclass(a, b) for a in kinds for b in kinds if a is not b)
