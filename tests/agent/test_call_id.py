"""A name that tells calls apart and ends none."""

from agent.call_id import short


def test_of_an_id_only_the_beginning_is_shown() -> None:
    assert short("rtc_" + "0a" * 16) == "rtc_0a0a0a0a"
    assert short("rtc_1") == "rtc_1"
