import asyncio
import json
import logging

import pytest
from aiohttp import FormData
from aiortc import RTCConfiguration, RTCPeerConnection
from fake_calls import (
    ANSWER,
    CALLS,
    OFFER,
    SDP,
    VIDEO_OFFER,
    FakeCalls,
    awaited,
    error_of,
    served,
)
from openai import AsyncOpenAI, NotFoundError, UnprocessableEntityError

from agent.errors import RejectedOffer
from agent.requests import CallSettings
from signaling import routes
from signaling.body import MAX_BYTES
from signaling.sdp import vet


def form(**parts):
    data = FormData()
    for name, (value, kind) in parts.items():
        data.add_field(name, value, content_type=kind)
    return data


def faults(caplog):
    """What we logged as a fault of our own."""
    ours = (r for r in caplog.records if r.name.startswith("signaling"))
    return [r.getMessage() for r in ours if r.levelno >= logging.ERROR]


def with_session(session, offer=OFFER):
    return form(
        sdp=(offer.decode(), "application/sdp"),
        session=(json.dumps(session), "application/json"),
    )


class TestPlacing:
    @awaited
    async def test_sdp_is_answered_with_sdp_and_a_location(self):
        calls = FakeCalls()
        async with served(calls) as http:
            response = await http.post(CALLS, data=OFFER, headers=SDP)
            assert response.status == 201
            assert response.content_type == "application/sdp"
            assert await response.text() == ANSWER
        (call_id,) = calls.clients
        assert call_id.startswith("rtc_")
        assert response.headers["Location"] == f"{CALLS}/{call_id}"

    @awaited
    async def test_the_calls_see_the_vetted_offer_only(self):
        calls = FakeCalls()
        async with served(calls) as http:
            await http.post(CALLS, data=VIDEO_OFFER, headers=SDP)
        assert calls.offers == [vet(VIDEO_OFFER).sdp]

    @awaited
    async def test_declined_video_is_in_the_answer(self):
        async with served() as http:
            answer = await (await http.post(CALLS, data=VIDEO_OFFER, headers=SDP)).text()
        kinds = [line.split()[0] for line in answer.splitlines() if line.startswith("m=")]
        assert kinds == ["m=audio", "m=video", "m=application"]

    @awaited
    async def test_a_form_with_a_session(self):
        calls = FakeCalls()
        session = {"type": "realtime", "instructions": "Be brief.", "model": "gpt-realtime"}
        async with served(calls) as http:
            response = await http.post(CALLS, data=with_session(session))
            assert response.status == 201
        (client,) = calls.clients.values()
        assert client.settings == CallSettings(instructions="Be brief.")
        created = json.loads(client.opened()[0])
        assert created["session"]["instructions"] == "Be brief."

    @awaited
    async def test_a_form_without_a_session(self):
        calls = FakeCalls()
        async with served(calls) as http:
            form_data = form(sdp=(OFFER.decode(), "application/sdp"))
            assert (await http.post(CALLS, data=form_data)).status == 201
        (client,) = calls.clients.values()
        assert client.settings == CallSettings()

    @awaited
    async def test_no_two_calls_share_an_id(self):
        calls = FakeCalls(capacity=20)
        async with served(calls) as http:
            for _ in range(20):
                await http.post(CALLS, data=OFFER, headers=SDP)
        assert len(calls.clients) == 20
        texts = [client.opened()[0] for client in calls.clients.values()]
        assert len({json.loads(text)["event_id"] for text in texts}) == 20

    @awaited
    async def test_a_client_that_floods_is_slowed(self):
        calls = FakeCalls()
        async with served(calls) as http:
            await http.post(CALLS, data=OFFER, headers=SDP)
        (client,) = calls.clients.values()
        answers = [text for _ in range(1000) for text in client.ask('{"type": "nope"}')[1]]
        codes = [json.loads(text)["error"]["code"] for text in answers]
        assert "rate_limit_exceeded" in codes
        assert len(answers) < 1000


class TestRefusing:
    @pytest.mark.parametrize(
        ("body", "content_type", "status", "code"),
        [
            (b"", "application/sdp", 400, "sdp_malformed"),
            (b"hello", "application/sdp", 400, "sdp_malformed"),
            (OFFER, "text/plain", 415, "unsupported_media_type"),
            (OFFER, "", 415, "unsupported_media_type"),
            (b"{}", "application/json", 415, "unsupported_media_type"),
            (OFFER, "multipart/form-data", 400, "body_malformed"),
            (b"--x--", "multipart/form-data; boundary=x", 400, "body_malformed"),
            (b"a" * 65_537, "application/sdp", 413, "body_too_large"),
            (b"a" * (MAX_BYTES + 1), "application/sdp", 413, "body_too_large"),
        ],
    )
    @awaited
    async def test_by_code(self, body, content_type, status, code):
        calls = FakeCalls()
        async with served(calls) as http:
            response = await http.post(CALLS, data=body, headers={"Content-Type": content_type})
            assert response.status == status
            assert (await error_of(response))["code"] == code
        assert calls.offers == []

    @awaited
    async def test_a_body_is_not_read_beyond_its_limit(self):
        """Of no declared length, it stops being read at the limit, however long it goes on."""
        sent = 0

        async def endless():
            nonlocal sent
            while sent < 100 * MAX_BYTES:
                sent += 65_536
                yield b"a" * 65_536

        async with served() as http:
            response = await http.post(CALLS, data=endless(), headers=SDP)
            assert response.status == 413
        assert sent < 100 * MAX_BYTES

    @awaited
    async def test_a_body_that_never_ends(self, monkeypatch):
        monkeypatch.setattr(routes, "BODY_S", 0.05)
        never = asyncio.Event()

        async def slow():
            yield b"v=0"
            await never.wait()

        async with served() as http:
            response = await http.post(CALLS, data=slow(), headers=SDP)
            assert response.status == 408
            assert (await error_of(response))["code"] == "body_too_slow"

    @pytest.mark.parametrize(
        ("session", "code", "param"),
        [
            ("nonsense", "invalid_value", "session"),
            ({"type": "transcription"}, "invalid_value", "session.type"),
            ({"audio": {"input": []}}, "invalid_value", "session.audio.input"),
            (
                {"audio": {"output": {"voice": "who"}}},
                "unknown_voice",
                "session.audio.output.voice",
            ),
            (
                {"audio": {"input": {"transcription": {"language": "de"}}}},
                "unknown_language",
                "session.audio.input.transcription.language",
            ),
        ],
    )
    @awaited
    async def test_a_wrong_session_names_its_field(self, session, code, param):
        calls = FakeCalls()
        async with served(calls) as http:
            response = await http.post(CALLS, data=with_session(session))
            assert response.status == 400
            error = await error_of(response)
        assert (error["code"], error["param"]) == (code, param)
        assert calls.offers == []

    @awaited
    async def test_a_full_server_says_when_to_come_back(self):
        calls = FakeCalls(capacity=0)
        async with served(calls) as http:
            response = await http.post(CALLS, data=OFFER, headers=SDP)
            assert response.status == 503
            assert int(response.headers["Retry-After"]) > 0
            assert (await error_of(response))["code"] == "server_full"

    @awaited
    async def test_what_fails_once_the_call_has_begun_is_no_500_either(self, caplog):
        class Uncounted(FakeCalls):
            @property
            def active(self):
                if self.offers:
                    raise RuntimeError("lost count")
                return 0

        async with served(Uncounted()) as http:
            response = await http.post(CALLS, data=OFFER, headers=SDP)
            assert response.status == 422
            assert (await error_of(response))["code"] == "offer_failed"
        assert "could not be answered" in caplog.text and "lost count" in caplog.text

    @awaited
    async def test_an_answer_that_cannot_be_written_leaves_the_seat_free(self, monkeypatch):
        """Killed: a seat that stays taken until its caller should have connected."""

        def fails(*args):
            raise TypeError("secret detail")

        monkeypatch.setattr("signaling.sdp.VettedOffer.complete", fails)
        calls = FakeCalls()
        async with served(calls) as http:
            response = await http.post(CALLS, data=OFFER, headers=SDP)
            assert response.status == 422
        assert calls.offers and calls.active == 0

    @awaited
    async def test_the_last_seat_may_go_while_the_body_is_read(self):
        calls = FakeCalls()
        calls.refusal = RejectedOffer("server_full", "busy", status=503)
        async with served(calls) as http:
            response = await http.post(CALLS, data=OFFER, headers=SDP)
            assert response.status == 503
            assert "Retry-After" in response.headers

    @awaited
    async def test_what_the_media_stack_refuses(self):
        calls = FakeCalls()
        calls.refusal = RejectedOffer("invalid_offer", "no", param="sdp")
        async with served(calls) as http:
            response = await http.post(CALLS, data=OFFER, headers=SDP)
            assert response.status == 400
            assert (await error_of(response))["code"] == "invalid_offer"

    @awaited
    async def test_our_own_fault_is_logged_and_is_no_500(self, caplog):
        calls = FakeCalls()
        calls.refusal = AttributeError("secret detail")
        async with served(calls) as http:
            response = await http.post(CALLS, data=OFFER, headers=SDP)
            assert response.status == 422
            error = await error_of(response)
        assert error["code"] == "offer_failed"
        assert "secret" not in error["message"]
        assert "AttributeError: secret detail" in caplog.text

    @pytest.mark.parametrize("step", ["vet", "body.parse", "Session.fresh"])
    @awaited
    async def test_nor_is_a_fault_in_reading_the_offer(self, monkeypatch, caplog, step):
        def fails(*args):
            raise TypeError("secret detail")

        monkeypatch.setattr(f"signaling.routes.{step}", fails)
        calls = FakeCalls()
        async with served(calls) as http:
            response = await http.post(CALLS, data=OFFER, headers=SDP)
            assert response.status == 422
            assert (await error_of(response))["code"] == "offer_failed"
        assert calls.offers == []
        assert "TypeError: secret detail" in caplog.text

    @pytest.mark.parametrize(
        "header",
        [
            b"Content-Disposition: form-data; name*=a; name*0=x",
            b"Content-Type: multipart/mixed; boundary=x",
            b"\xff\x00",
        ],
    )
    @awaited
    async def test_a_hostile_form_is_a_refusal(self, header):
        body = b"--x\r\n" + header + b"\r\n\r\nv=0\r\n--x--"
        async with served() as http:
            headers = {"Content-Type": "multipart/form-data; boundary=x"}
            response = await http.post(CALLS, data=body, headers=headers)
            assert response.status == 400
            assert (await error_of(response))["code"] == "body_malformed"

    @awaited
    async def test_a_body_that_is_not_as_encoded_as_it_says(self, caplog):
        async with served() as http:
            headers = {**SDP, "Content-Encoding": "gzip"}
            response = await http.post(CALLS, data=b"no gzip", headers=headers)
            assert response.status == 400
            assert (await error_of(response))["code"] == "body_malformed"
        assert faults(caplog) == []

    @pytest.mark.parametrize("path", [CALLS, f"{CALLS}/hangup"])
    @awaited
    async def test_a_caller_who_goes_in_the_midst_of_the_body_is_no_fault_of_ours(
        self, monkeypatch, caplog, path
    ):
        caplog.set_level(logging.INFO)
        told = asyncio.Event()
        read = routes._read

        async def reading(request):
            try:
                return await read(request)
            finally:
                told.set()

        monkeypatch.setattr(routes, "_read", reading)
        async with served() as http:
            _, writer = await asyncio.open_connection(http.host, http.port)
            head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp"
            writer.write(f"{head}\r\nContent-Length: 100\r\n\r\nv=0".encode())
            await writer.drain()
            writer.close()
            await told.wait()
        assert faults(caplog) == []


class TestHangingUp:
    @pytest.mark.parametrize(
        ("method", "path"),
        [("DELETE", "/rtc_1"), ("POST", "/rtc_1/hangup"), ("POST", "/hangup")],
    )
    @awaited
    async def test_our_own_fault_is_logged_and_is_no_500(self, caplog, method, path):
        calls = FakeCalls()

        async def fails(call_id):
            raise RuntimeError("secret detail")

        async with served(calls) as http:
            await http.post(CALLS, data=OFFER, headers=SDP)
            calls.hang_up = fails
            response = await http.request(method, CALLS + path, data=OFFER)
            assert response.status == 422
            error = await error_of(response)
        assert error["code"] == "hang_up_failed"
        assert "secret" not in error["message"]
        assert "RuntimeError: secret detail" in caplog.text

    @pytest.mark.parametrize(("method", "suffix"), [("DELETE", ""), ("POST", "/hangup")])
    @awaited
    async def test_ends_the_call_once(self, method, suffix):
        calls = FakeCalls()
        async with served(calls) as http:
            placed = await http.post(CALLS, data=OFFER, headers=SDP)
            path = placed.headers["Location"] + suffix
            assert (await http.request(method, path)).status == 200
            assert calls.active == 0
            again = await http.request(method, path)
            assert again.status == 404
            assert (await error_of(again))["code"] == "call_not_found"

    @awaited
    async def test_by_its_offer_ends_the_call_of_whoever_has_not_read_where_it_is(self):
        calls = FakeCalls()
        async with served(calls) as http:
            await http.post(CALLS, data=VIDEO_OFFER, headers=SDP)
            placed = await http.post(CALLS, data=OFFER, headers=SDP)
            beacon = {"Content-Type": "text/plain;charset=UTF-8"}
            ended = await http.post(f"{CALLS}/hangup", data=OFFER, headers=beacon)
            assert ended.status == 200
            assert calls.active == 1
            assert (await http.delete(placed.headers["Location"])).status == 404
            again = await http.post(f"{CALLS}/hangup", data=OFFER, headers=beacon)
            assert again.status == 404
            assert (await error_of(again))["code"] == "call_not_found"

    @awaited
    async def test_by_its_offer_ends_all_calls_that_it_placed(self):
        calls = FakeCalls()
        async with served(calls) as http:
            for _ in range(2):
                await http.post(CALLS, data=OFFER, headers=SDP)
            assert (await http.post(f"{CALLS}/hangup", data=OFFER)).status == 200
        assert calls.active == 0

    @pytest.mark.parametrize(
        ("body", "status", "code"),
        [
            (b"", 400, "sdp_malformed"),
            (b"v=0\r\n", 400, "audio_sections"),
            (b"v=0\r\n" + 70_000 * b"x", 413, "body_too_large"),
            (300_000 * b"x", 413, "body_too_large"),
        ],
    )
    @awaited
    async def test_by_what_is_no_offer(self, body, status, code):
        async with served() as http:
            response = await http.post(f"{CALLS}/hangup", data=body)
            assert response.status == status
            assert (await error_of(response))["code"] == code


class TestLogging:
    @awaited
    async def test_one_line_a_call_and_nothing_that_hangs_it_up(self, caplog):
        caplog.set_level(logging.INFO)
        async with served() as http:
            placed = await http.post(CALLS, data=OFFER, headers=SDP)
        lines = [r.getMessage() for r in caplog.records if r.name.startswith("signaling")]
        call_id = placed.headers["Location"].rpartition("/")[2]
        assert lines == [f"call {call_id[:12]} placed, 1 active"]

    @awaited
    async def test_no_line_for_a_hang_up(self, caplog):
        """The calls say how each of them ended; twice would be two ends."""
        async with served() as http:
            placed = await http.post(CALLS, data=OFFER, headers=SDP)
            caplog.set_level(logging.INFO)
            await http.delete(placed.headers["Location"])
        assert [r for r in caplog.records if r.name.startswith("signaling")] == []

    @awaited
    async def test_one_line_for_a_body_that_is_too_large(self, caplog):
        caplog.set_level(logging.INFO)
        async with served() as http:
            await http.post(CALLS, data=b"a" * (MAX_BYTES + 1), headers=SDP)
        lines = [r.getMessage() for r in caplog.records if r.name.startswith("signaling")]
        assert len(lines) == 1 and "body_too_large" in lines[0]

    @awaited
    async def test_one_line_a_refusal_without_token_or_offer(self, caplog):
        caplog.set_level(logging.INFO)
        headers = {**SDP, "Authorization": "Bearer ek_secret"}
        async with served() as http:
            await http.post(CALLS, data=b"v=0\r\ns=private", headers=headers)
        lines = [r.getMessage() for r in caplog.records if r.name.startswith("signaling")]
        assert len(lines) == 1 and "audio_sections" in lines[0]
        assert "ek_secret" not in caplog.text and "private" not in caplog.text


def vendors_client(http):
    return AsyncOpenAI(api_key="ek_x", base_url=str(http.make_url("/v1")))


class TestTheVendorsOwnClient:
    """openai-python, unmodified, with another base URL."""

    @awaited
    async def test_places_and_ends_a_call(self):
        peer = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        peer.addTransceiver("audio")
        peer.createDataChannel("oai-events")
        offer = (await peer.createOffer()).sdp
        await peer.close()
        calls = FakeCalls()
        async with served(calls) as http:
            async with AsyncOpenAI(
                api_key="ek_x", base_url=str(http.make_url("/v1"))
            ) as openai:
                session = {"type": "realtime", "model": "gpt-realtime", "instructions": "Hi."}
                placed = await openai.realtime.calls.create(sdp=offer, session=session)
                assert placed.response.status_code == 201
                assert placed.text == ANSWER
                (client,) = calls.clients.values()
                assert client.settings.instructions == "Hi."
                call_id = placed.response.headers["location"].rpartition("/")[2]
                await openai.realtime.calls.hangup(call_id)
                assert calls.active == 0
                with pytest.raises(NotFoundError) as caught:
                    await openai.realtime.calls.hangup(call_id)
                assert caught.value.code == "call_not_found"

    @awaited
    async def test_does_not_retry_our_faults(self):
        calls = FakeCalls()
        calls.refusal = RuntimeError("broken")
        async with served(calls) as http:
            async with AsyncOpenAI(
                api_key="ek_x", base_url=str(http.make_url("/v1"))
            ) as openai:
                with pytest.raises(UnprocessableEntityError):
                    await openai.realtime.calls.create(sdp=OFFER.decode())
