import pytest

from agent.config import Between
from agent.errors import RejectedOffer
from signaling.fields import Fields, read_json, read_long_json

FIELDS = Fields({"n": 3, "x": 0.5, "t": "abc", "b": False, "o": {"k": 1}, "null": None}, "top")


def test_reads_what_is_there():
    assert FIELDS.number("x", 9, Between(0, 1)) == 0.5
    assert FIELDS.whole("n", 9, Between(0, 5)) == 3
    assert FIELDS.text("t", "", longest=3) == "abc"
    assert FIELDS.flag("b", default=True) is False
    assert FIELDS.one_of("t", ("abc", "d")) == "abc"
    assert FIELDS.inner("o").whole("k", 0, Between(0, 1)) == 1


@pytest.mark.parametrize("key", ["missing", "null"])
def test_what_is_not_there_is_the_default(key):
    assert FIELDS.number(key, 9, Between(0, 1)) == 9
    assert FIELDS.whole(key, 9, Between(0, 1)) == 9
    assert FIELDS.text(key, "d", longest=1) == "d"
    assert FIELDS.flag(key, default=True) is True
    assert FIELDS.one_of(key, ("a",)) is None
    assert FIELDS.inner(key).values == {}


@pytest.mark.parametrize(
    "read",
    [
        lambda f: f.number("t", 0, Between(0, 1)),
        lambda f: f.number("b", 0, Between(0, 1)),  # JSON's false is no number, Python's is
        lambda f: f.number("n", 0, Between(0, 1)),
        lambda f: f.whole("x", 0, Between(0, 1)),
        lambda f: f.text("n", "", longest=9),
        lambda f: f.text("t", "", longest=2),
        lambda f: f.flag("n", default=True),
        lambda f: f.one_of("t", ("d",)),
        lambda f: f.inner("t"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(read):
    with pytest.raises(RejectedOffer) as caught:
        read(FIELDS)
    assert caught.value.param.startswith("top.")
    assert caught.value.param in caught.value.message


def nested(levels, opening, closing):
    return opening * levels + "1" + closing * levels


@pytest.mark.parametrize("read", [read_json, read_long_json])
@pytest.mark.parametrize(
    ("levels", "shape"),
    [(64, ("[", "]")), (64, ('{"a": ', "}")), (32, ('[{"a": ', "}]"))],
    ids=["lists", "objects", "both"],
)
def test_nesting_has_a_bound_of_its_own(read, levels, shape):
    """Python's depends on who calls: what could be read could not always be sent back."""
    assert read(nested(levels, *shape)) is not None
    for deeper in (levels + 1, 900):
        with pytest.raises(ValueError, match="nested too deep"):
            read(nested(deeper, *shape))


def test_what_is_empty_counts_as_deep_as_what_is_not():
    assert read_json("[" * 64 + "]" * 64)
    with pytest.raises(ValueError, match="nested too deep"):
        read_json("[" * 65 + "]" * 65)


def test_what_is_wide_is_not_deep():
    assert read_json("[" + ",".join(["[]"] * 5000) + "]") == [[]] * 5000


def test_text_can_be_sent_on():
    """JSON can write half a surrogate pair; nothing can encode it."""
    with pytest.raises(RejectedOffer, match=r"^top\.t holds half"):
        Fields({"t": "\ud800"}, "top").text("t", "", longest=9)
    assert Fields({"t": "\U0001f600"}, "top").text("t", "", longest=9) == "\U0001f600"


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "NaN", "[-Infinity]", "1" * 5000, "[" * 50_000, b"\xff", b"\x80abc"),
        "1e999",
        "[-1e999]",
        "[0.5" + ",1e3" * 1000 + "]",
    ],
)
def test_what_is_no_json(text):
    with pytest.raises(ValueError, match=r"."):
        read_json(text)


def test_a_long_text_holds_no_integer_that_takes_long():
    assert read_long_json("[" + "9" * 400 + "]") == [10**400 - 1]
    with pytest.raises(ValueError, match="too many digits"):
        read_long_json("[" + "9" * 401 + "]")
    assert read_json("9" * 401) == 10**401 - 1


def test_what_is_json():
    assert read_json('{"a": [1, null, "\\u00e4"]}') == read_json(b'{"a":[1,null,"\xc3\xa4"]}')


def test_what_is_no_object():
    with pytest.raises(RejectedOffer, match="top must be an object"):
        Fields("text", "top")
