"""What went wrong with a server, as one line: the cause, then the remedy. No I/O."""

import http.client
import re
import socket
import ssl
from typing import Final

from agent.brains.openai_chat.line import Refused
from agent.config import OpenaiChat

# "maximum context length is 4096 tokens" (OpenAI, vLLM), "longer than the maximum model length
# of 4096" (vLLM), "exceeds the available context size" (llama.cpp)
_TOO_LONG: Final = re.compile(r"context (length|size|window)|maximum model length", re.I)


def of_network(error: Exception, config: OpenaiChat) -> str:
    """An OSError or HTTPException on the way to the server or back."""
    url = config.url
    match error:
        case TimeoutError():
            return f"the chat server at {url} does not answer in time; is it overloaded?"
        case ConnectionRefusedError():
            return f"nothing listens at {url}; start the server, or correct openai_chat.url"
        case socket.gaierror():
            return f"there is no host of that name in {url}; correct openai_chat.url"
        case ssl.SSLError():
            return f"no secure connection to {url}: {error}; is its certificate valid?"
        case ConnectionError() | http.client.RemoteDisconnected():
            return f"the chat server at {url} closed the connection; its log says why"
        case http.client.HTTPException():
            return f"what answers at {url} does not speak HTTP; correct openai_chat.url"
        case _:
            return f"the chat server at {url} cannot be reached: {error}"


def of_refusal(refused: Refused, config: OpenaiChat) -> str:
    """A status other than 200."""
    said = f" ({refused.said})" if refused.said else ""
    match refused.status:
        case 401 | 403:  # its words may hold part of the key
            return (
                f"the chat server at {config.url} wants another key; "
                "set VOXLINE_OPENAI_API_KEY in the environment"
            )
        case 404:
            return (
                f"the chat server knows no model {config.model!r} or no such path{said}; "
                "correct openai_chat.model or openai_chat.url, which ends in /v1"
            )
        case 429:
            return f"the chat server takes no more requests now{said}; lower limits.calls"
        case status if status >= 500:
            return f"the chat server failed with status {status}{said}; its log says why"
        case status if status >= 400:
            return f"the chat server refuses the request with status {status}{said}"
        case status:
            return (
                f"the chat server answers with status {status}; "
                "write its final address into openai_chat.url"
            )


def is_too_long(refused: Refused) -> bool:
    """Whether the conversation does not fit into the model's context."""
    return refused.status in (400, 413) and bool(_TOO_LONG.search(refused.said))


def passes(trouble: Exception | Refused) -> bool:
    """Whether to ask again can help."""
    if isinstance(trouble, Refused):
        return trouble.status == 429 or trouble.status >= 500
    return not isinstance(trouble, socket.gaierror | ssl.SSLCertVerificationError)
