"""One peer connection: a call's way to its caller, or a benchmark's way to the agent.

Knows WebRTC; knows neither what is said nor what the messages mean. All callbacks come from the
event loop, none after `close`, and what they raise is logged and goes no further.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import TypeVarTuple

from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCDataChannel,
    RTCPeerConnection,
    RTCSessionDescription,
)

from agent.audio.frame import Samples
from agent.config import Config
from agent.errors import RejectedOffer
from agent.events import EndReason
from agent.media import upstream
from agent.media.ice_servers import ice_servers
from agent.media.jitter import RtpAudio
from agent.media.receiver import Receiver, Stats

_log = logging.getLogger(__name__)
_Args = TypeVarTuple("_Args")

CHANNEL = "oai-events"
_MAX_WAITING = 256  # messages, until the channel opens
_MAX_UNSENT_BYTES = 1 << 20  # a caller that does not read
_MAX_FURTHER_CHANNELS = 16
_MAX_LABEL = 64  # characters of 65,535 that go into the log


Connection = RTCPeerConnection  # nobody else needs to know whose


def new_connection(config: Config) -> Connection:
    """A third of the work of a call's beginning. It holds nothing until a `Peer` uses it."""
    return RTCPeerConnection(
        RTCConfiguration(
            iceServers=ice_servers(config), bundlePolicy=RTCBundlePolicy.MAX_BUNDLE
        )
    )


class Peer:
    """One side of a call. Needs a running loop, and `upstream.install` before.

    The agent's side: `answer`. The caller's: `offer`, then `accept`. Both: `close`, whatever
    happened. `on_closed` tells once that the call ended without our `close`; whoever gets it
    calls `close`. `on_audio` gets mono float32 at 16 kHz, see `Receiver`.
    """

    def __init__(
        self,
        config: Config,
        track: MediaStreamTrack,
        *,
        on_connected: Callable[[], None],
        on_audio: Callable[[Samples], None],
        on_message: Callable[[str], None],
        on_closed: Callable[[EndReason], None],
        on_channel_open: Callable[[], None] = lambda: None,
        on_packet: Callable[[RtpAudio, float], None] | None = None,
        connection: Connection | None = None,  # a `new_connection` made before
    ) -> None:
        self._limits = config.limits
        self._track = track
        self._on_connected = on_connected
        self._on_message = on_message
        self._on_closed = on_closed
        self._on_channel_open = on_channel_open
        self._loop = asyncio.get_running_loop()
        self._receiver = Receiver(config.receive, on_audio, on_packet)
        self._channel: RTCDataChannel | None = None
        self._waiting: deque[str] = deque()
        self._muted = False  # the caller does not read what we send, or cannot
        self._further_channels = 0
        self._binary_messages = 0
        self._connected_s: float | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._ended = False
        self._closing: asyncio.Task[None] | None = None
        self.pc = connection or new_connection(config)
        self.pc.on("connectionstatechange", self._connection_changed)
        self.pc.on("datachannel", self._adopt)

    @property
    def stats(self) -> Stats:
        """What happened to the packets of the other side."""
        return self._receiver.stats

    @property
    def round_trip_s(self) -> float:
        """There and back, by the checks of each second for consent; 0 before the first."""
        return upstream.round_trip_s(self.pc)

    async def answer(self, offer_sdp: str) -> str:
        """Answer an offer that signaling/sdp.py has vetted. Raises RejectedOffer, closed.

        In steps of less than 1 ms, between which other calls' packets have their turn.
        """
        try:
            await _others()
            await self.pc.setRemoteDescription(RTCSessionDescription(offer_sdp, "offer"))
            await _others()
            self.pc.addTrack(self._track)
            upstream.attach(self.pc, self._receiver.take)
            answer = await self.pc.createAnswer()
            await _others()
            await self.pc.setLocalDescription(answer)
            await _others()
            if self._ended:
                raise ConnectionError
        except asyncio.CancelledError:
            await self.close()
            raise
        except Exception as error:  # ValueError, KeyError, AttributeError, AssertionError, ...
            hung_up = self._ended
            await self.close()
            if hung_up:
                raise RejectedOffer(
                    "hung_up", "the call ended before it was answered", status=410
                ) from error
            _log.info("offer refused", exc_info=True)
            raise RejectedOffer(
                "invalid_offer",
                f"the offer cannot be answered: {type(error).__name__} {error}",
            ) from error
        self._watch = self._loop.call_later(self._limits.connect_s, self._give_up)
        return self.pc.localDescription.sdp

    async def offer(self) -> str:
        """Make an offer of audio both ways and the data channel."""
        self.pc.addTrack(self._track)
        self._adopt(self.pc.createDataChannel(CHANNEL))
        await self.pc.setLocalDescription(await self.pc.createOffer())
        return self.pc.localDescription.sdp

    async def accept(self, answer_sdp: str) -> None:
        """Take the answer to our offer; whatever aiortc raises for a bad one comes through."""
        await self.pc.setRemoteDescription(RTCSessionDescription(answer_sdp, "answer"))
        upstream.attach(self.pc, self._receiver.take)
        self._watch = self._loop.call_later(self._limits.connect_s, self._give_up)

    def send(self, text: str) -> None:
        """Send a message, or keep it until the channel opens; too many are lost, and logged.

        Never raises: a message that aiortc refuses, larger than the other side takes for
        instance, is logged and the last; what follows would have to be understood without it.
        """
        if self._ended or self._muted:
            return
        channel = self._channel
        if channel is not None and channel.readyState == "open":
            if channel.bufferedAmount > _MAX_UNSENT_BYTES:
                self._muted = True
                _log.warning("the caller reads no messages; it gets no more of them")
                return
            try:
                channel.send(text)
            except Exception:  # noqa: BLE001  ValueError, InvalidStateError, UnicodeEncodeError, ...
                self._muted = True
                _log.exception("a message cannot be sent; the caller gets no more of them")
        elif channel is None or channel.readyState == "connecting":
            if len(self._waiting) == _MAX_WAITING:
                _log.warning("no data channel: a message is lost")
                return
            self._waiting.append(text)

    async def close(self) -> None:
        """Hang up and release everything, within seconds. What was sent before still leaves."""
        self._ended = True  # by us: nobody needs to be told
        if self._closing is None:
            self._closing = asyncio.create_task(self._release())
        await asyncio.shield(self._closing)

    async def _release(self) -> None:
        self._receiver.close()
        if self._watch is not None:
            self._watch.cancel()
        self._waiting.clear()
        self._track.stop()
        await upstream.release(self.pc)

    # -- connection ----------------------------------------------------------------------------

    def _connection_changed(self) -> None:
        if self._ended:
            return
        match self.pc.connectionState:
            case "connected" if self._connected_s is None:
                self._connected_s = self._loop.time()
                if self._watch is not None:
                    self._watch.cancel()
                self._watch_packets()
                self._guard(self._on_connected)
            case "failed" | "closed" if self._connected_s is None:
                self._end(EndReason.NEVER_CONNECTED)
            case "failed":
                self._end(EndReason.LOST)
            case "closed":
                lost = upstream.was_lost(self.pc)
                self._end(EndReason.LOST if lost else EndReason.CALLER)

    def _give_up(self) -> None:
        self._end(EndReason.NEVER_CONNECTED)

    def _watch_packets(self) -> None:
        """End the call when no packet has come for `limits.lost_s`.

        Not on the caller's side: an agent that says nothing sends nothing, and whether it lives
        is found out by ICE.
        """
        if self.pc.remoteDescription.type == "answer" or self._connected_s is None:
            return
        heard_s = self._receiver.last_arrival_s or self._connected_s
        lost_s = max(heard_s, self._connected_s) + self._limits.lost_s
        if self._loop.time() >= lost_s:
            self._end(EndReason.LOST)
        elif not self._ended:
            self._watch = self._loop.call_at(lost_s, self._watch_packets)

    def _end(self, reason: EndReason) -> None:
        if self._ended:
            return
        self._ended = True
        self._receiver.close()
        if self._watch is not None:
            self._watch.cancel()
        self._guard(self._on_closed, reason)

    # -- data channel --------------------------------------------------------------------------

    def _adopt(self, channel: RTCDataChannel) -> None:
        if self._channel is not None or channel.label != CHANNEL:
            self._refuse(channel)
            return
        self._channel = channel
        channel.on("message", self._message)
        if channel.readyState == "open":
            self._opened()
        else:
            channel.on("open", self._opened)

    def _refuse(self, channel: RTCDataChannel) -> None:
        """Close a channel that is not ours; a caller that opens many of them is hung up on."""
        self._further_channels += 1
        if self._further_channels == 1:
            label = channel.label[:_MAX_LABEL]
            _log.info("a further data channel, %r, is closed; more are not logged", label)
        channel.close()
        if self._further_channels > _MAX_FURTHER_CHANNELS and not self._ended:
            _log.warning("the caller opens data channel after data channel; it is hung up on")
            self._end(EndReason.CALLER)

    def _opened(self) -> None:
        # First the greeting (`session.created`), then what waited.
        self._guard(self._on_channel_open)
        while self._waiting:
            self.send(self._waiting.popleft())

    def _message(self, message: str | bytes) -> None:
        if self._ended:
            return
        if isinstance(message, str):
            self._guard(self._on_message, message)
        else:
            self._binary_messages += 1
            if self._binary_messages == 1:
                _log.info("a binary message is ignored; more of them are not logged")

    def _guard(self, callback: Callable[[*_Args], None], *args: *_Args) -> None:
        try:
            callback(*args)
        except Exception:  # noqa: BLE001  it would reach aiortc and close the transport
            _log.exception("the call failed to take an event of its peer")


async def _others() -> None:
    """Let go of the loop: it serves its sockets and timers before it comes back."""
    await asyncio.sleep(0)
