from hypothesis import given
from hypothesis import strategies as st

from signaling.limits import Bucket


def test_a_burst_and_then_the_rate():
    bucket = Bucket(rate_per_s=8, burst=3)
    assert [bucket.take(100.0) for _ in range(4)] == [True, True, True, False]
    assert bucket.take(100.125)
    assert not bucket.take(100.125)


def test_silence_saves_up_no_more_than_a_burst():
    bucket = Bucket(rate_per_s=10, burst=3)
    bucket.take(0.0)
    assert [bucket.take(1e9) for _ in range(4)] == [True, True, True, False]


def test_a_clock_that_stands_still_gives_nothing():
    bucket = Bucket(rate_per_s=10, burst=1)
    assert bucket.take(5.0)
    assert not bucket.take(5.0)


@given(st.lists(st.floats(0, 2), max_size=200), st.floats(1, 50), st.floats(1, 20))
def test_never_more_than_burst_and_rate(gaps_s, rate_per_s, burst):
    bucket, now_s, taken = Bucket(rate_per_s, burst), 0.0, 0
    for gap_s in gaps_s:
        now_s += gap_s
        taken += bucket.take(now_s)
    assert taken <= burst + rate_per_s * now_s + 1e-6
