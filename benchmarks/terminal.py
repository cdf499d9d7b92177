"""What is shown in a terminal, and must not do more there than be read."""

import os
import shutil
from typing import TextIO


def harmless(text: str) -> str:
    """A stranger's words as one line: what would move a terminal's cursor is shown instead."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class Screen:
    """Where a text stands while it changes: redrawn in a terminal, else a line a news."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._is_live = out, out.isatty()
        self._height, self._told = 0, ""

    def show(self, text: str, news: str) -> None:
        """The whole for a terminal; `news` for all else, unless it was the last already."""
        if self._is_live:
            self.clear()
            size = _size(self._out)  # a longer line would take two, and the top scroll away
            lines = [line[: size.columns - 1] for line in text.splitlines()[: size.lines - 1]]
            self._out.writelines(f"{line}\n" for line in lines)
            self._height = len(lines)
        elif news != self._told:
            self._told = news
            self._out.write(f"{news}\n")
        self._out.flush()

    def clear(self) -> None:
        """Take away what was drawn."""
        if self._height:
            self._out.write(f"\x1b[{self._height}F\x1b[J")
            self._height = 0


def _size(out: TextIO) -> os.terminal_size:
    try:
        return os.get_terminal_size(out.fileno())
    except (OSError, ValueError):  # it is not the system's
        return shutil.get_terminal_size()
