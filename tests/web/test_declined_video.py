"""A real browser offers video too: it gets a call without, by a real server and media stack."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack
from fake_calls import FakeCalls, served

CALL = """async () => {
  const pc = new RTCPeerConnection();
  const stream = await navigator.mediaDevices.getUserMedia({audio: true, video: true});
  for (const track of stream.getTracks()) pc.addTrack(track, stream);
  const channel = pc.createDataChannel('oai-events');
  const first = new Promise((resolve) => {
    channel.onmessage = (event) => resolve(JSON.parse(event.data).type);
  });
  const settled = new Promise((resolve) => {  // a message may come before the news of it
    const stays = ['connected', 'failed', 'closed'];
    pc.onconnectionstatechange = () =>
      stays.includes(pc.connectionState) && resolve(pc.connectionState);
  });
  await pc.setLocalDescription();
  const directions = pc.getTransceivers();
  const response = await fetch('/v1/realtime/calls', {
    method: 'POST',
    headers: {'Content-Type': 'application/sdp'},
    body: pc.localDescription.sdp,
  });
  await pc.setRemoteDescription({type: 'answer', sdp: await response.text()});
  const result = {first: await first, state: await settled};
  for (const {mid, currentDirection} of directions) {
    result[mid ?? 'declined'] = currentDirection;
  }
  result.hungUp = (await fetch(response.headers.get('Location'), {method: 'DELETE'})).status;
  pc.close();
  return result;
}"""


class AnsweredCalls(FakeCalls):
    """Answers by a stock aiortc, and says on the channel what the client is told first."""

    def __init__(self):
        super().__init__()
        self.peers = {}

    async def answer(self, call_id, offer_sdp, client):
        await super().answer(call_id, offer_sdp, client)
        peer = self.peers[call_id] = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        peer.on("datachannel", lambda channel: channel.send(client.opened()[0]))
        peer.addTrack(AudioStreamTrack())
        await peer.setRemoteDescription(RTCSessionDescription(offer_sdp, "offer"))
        await peer.setLocalDescription(await peer.createAnswer())
        return peer.localDescription.sdp

    async def hang_up(self, call_id):
        await self.peers.pop(call_id).close()
        return await super().hang_up(call_id)


@pytest.fixture
def server() -> Iterator[str]:
    """A server's URL; it runs in a thread, since playwright owns this one."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    context = served(AnsweredCalls())
    http = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result()
    yield str(http.make_url("/healthz"))
    asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_the_call_goes_on_without_it(shared_chromium, server):
    page = shared_chromium.new_page()
    page.goto(server)
    assert page.evaluate(CALL) == {
        "first": "session.created",
        "state": "connected",
        "0": "sendrecv",
        "declined": "stopped",
        "hungUp": 200,
    }
    page.close()
