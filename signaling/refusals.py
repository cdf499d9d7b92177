"""The error event that answers a client event."""

from typing import Any


def refusal(code: str, message: str, param: str | None = None) -> dict[str, Any]:
    """Return it; whoever knows the client event puts its `event_id` in."""
    return {
        "type": "error",
        "error": {
            "type": "invalid_request_error",
            "code": str(code),
            "message": message,
            "param": param,
            "event_id": None,
        },
    }
