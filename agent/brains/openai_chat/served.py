"""What a chat server serves: asked once, before any call is taken."""

import http.client
import json
from threading import Event

from agent.brains.openai_chat import trouble
from agent.brains.openai_chat.line import Address, Line, Refused
from agent.config import OpenaiChat
from agent.errors import ConfigError

_SHOWN = 8
_BYTES = 1 << 20


def check(config: OpenaiChat, address: Address) -> None:
    """Raises ConfigError unless the server is there and serves the model."""
    names = models(config, address)
    if config.model not in names:
        shown = ", ".join(names[:_SHOWN]) or "nothing"
        raise ConfigError(
            f"openai_chat.model: {config.url} does not serve {config.model!r} but {shown}; "
            "name one of these"
        )


def models(config: OpenaiChat, address: Address) -> tuple[str, ...]:
    """The names that GET /models gives. Raises ConfigError."""
    line = Line(address)
    try:
        answer = line.ask("GET", "/models", patience_s=config.first_token_s, unwanted=Event())
        if isinstance(answer, Refused):
            raise ConfigError(f"openai_chat.url: {trouble.of_refusal(answer, config)}")
        return tuple(str(model["id"]) for model in json.loads(answer.read(_BYTES))["data"])
    except (OSError, http.client.HTTPException) as error:
        raise ConfigError(f"openai_chat.url: {trouble.of_network(error, config)}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"openai_chat.url: {config.url}/models does not list models as OpenAI's API does; "
            "correct the address, which usually ends in /v1"
        ) from error
    finally:
        line.hang_up()
