"""What the server is given: the calls, and what they are given of it. Matched by shape."""

from typing import Protocol

from agent.notices import Notice
from agent.requests import CallSettings, Request


class Client(Protocol):
    """The far end of one call's data channel, as the call sees it."""

    @property
    def settings(self) -> CallSettings:
        """What the client asked for when it placed the call."""

    def opened(self) -> list[str]: ...

    def tell(self, notice: Notice) -> list[str]: ...

    def ask(self, text: str) -> tuple[list[Request], list[str]]: ...


class Calls(Protocol):
    """All calls of this server."""

    @property
    def active(self) -> int:
        """How many there are now."""

    @property
    def capacity(self) -> int:
        """How many there may be."""

    async def answer(self, call_id: str, offer_sdp: str, client: Client) -> str:
        """Begin a call; return the answer's SDP. Raises RejectedOffer, and then leaves nothing.

        `offer_sdp` was vetted. With no seat free: code `server_full`, status 503.
        """

    def placed_by(self, offer_sdp: str) -> list[str]:
        """Return the ids of the calls that this vetted offer placed and that are not over."""

    async def hang_up(self, call_id: str) -> bool:
        """End a call; return whether there was one."""
