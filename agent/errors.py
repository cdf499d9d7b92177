"""Three errors, told apart by whose fault it is. A lost network is an event, not an error."""

import sys


class ConfigError(Exception):
    """The operator asked for something that cannot be; the message names key, value, remedy."""


class RejectedOffer(Exception):
    """The caller sent something that cannot be answered; becomes a 4xx or an `error` event.

    `code` is stable and documented in PROTOCOL.md; `param` names the offending field.
    """

    def __init__(
        self, code: str, message: str, *, status: int = 400, param: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.param = param


class EngineError(Exception):
    """One of our models failed or died; the call apologises and lives on."""


def first_line(error: Exception) -> str:
    """What it says at first, for a message of ours; its kind if it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def installs(extra: str) -> str:
    """The command that installs an extra for this very Python: a remedy, whatever pip is."""
    return f"{sys.executable} -m pip install '.[{extra}]'"
