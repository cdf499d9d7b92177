"""What of a tag says which language it is."""

import pytest

from agent.language import narrowed, primary


@pytest.mark.parametrize(
    ("tag", "language"),
    [
        *(("pt-BR", "pt"), ("pt_br", "pt"), ("HI", "hi"), ("zh-Hans-CN", "zh"), ("", "")),
        *(("en-us+f3", "en"), ("de+m1", "de"), ("nora", "nora")),
    ],
)
def test_a_tag_is_told_by_its_first_part_in_whatever_writing(tag, language) -> None:
    assert primary(tag) == language


@pytest.mark.parametrize(
    ("tag", "found"),
    [
        ("de", "de"),
        ("DE-at", "de"),
        ("pt_BR", "pt-br"),
        ("pt-PT", "pt"),
        ("xx-YY", ""),
        ("", ""),
    ],
)
def test_a_tag_that_is_not_known_means_the_longest_beginning_that_is(tag, found) -> None:
    assert narrowed(tag, {"de", "pt", "pt-br"}) == found
