"""What a terminal is shown, and what it must not be told."""

import io

import pytest

from benchmarks.terminal import Screen, harmless


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Gr\u00fc\u00dfe, \u65e5\u672c", "Gr\u00fc\u00dfe, \u65e5\u672c"),
        ("\x1b[2J", "\\x1b[2J"),
        ("one\ntwo\r", "one\\ntwo\\r"),
        ("\u202eright to left", "\\u202eright to left"),
    ],
)
def test_what_would_move_the_cursor_is_shown(text, shown) -> None:
    assert harmless(text) == shown


def test_a_terminal_is_drawn_over() -> None:
    out = Terminal()
    screen = Screen(out)
    screen.show("one\ntwo\nthree", "")
    assert out.getvalue() == "one\ntwo\nthree\n"
    screen.show("four", "")
    assert out.getvalue().endswith("three\n\x1b[3F\x1b[Jfour\n")
    screen.clear()
    screen.clear()
    assert out.getvalue().endswith("four\n\x1b[1F\x1b[J")


def test_a_narrow_terminal_is_not_drawn_over_too_little(monkeypatch) -> None:
    """A line that is wrapped takes two rows."""
    monkeypatch.setenv("COLUMNS", "20")
    out = Terminal()
    Screen(out).show("x" * 50, "")
    assert out.getvalue() == "x" * 19 + "\n"


def test_a_low_terminal_is_not_drawn_over_too_little(monkeypatch) -> None:
    """What has scrolled away cannot be taken away."""
    monkeypatch.setenv("LINES", "4")
    out = Terminal()
    Screen(out).show("one\ntwo\nthree\nfour\nfive", "")
    assert out.getvalue() == "one\ntwo\nthree\n"


def test_a_file_gets_a_line_when_there_is_news() -> None:
    out = io.StringIO()
    screen = Screen(out)
    for news in ("", "one", "one", "two"):
        screen.show("all of it", news)
    screen.clear()
    assert out.getvalue() == "one\ntwo\n"
