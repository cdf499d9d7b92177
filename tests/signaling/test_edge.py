"""A fault in any layer around the routes is an answer that no client repeats, and is logged."""

import asyncio
import logging
import socket
import struct
from socket import SO_LINGER, SOL_SOCKET

import pytest
from fake_calls import CALLS, OFFER, SDP, FakeCalls, awaited, error_of, served
from openai import AsyncOpenAI, UnprocessableEntityError

from signaling import guard, routes, tally
from signaling.edge import SAFE
from signaling.origins import Origins

SHOP = "https://shop.example"
PLACING = {**SDP, "Origin": SHOP}


def breaks(*args, **kwargs):
    raise AttributeError("secret")


class Unknown:
    """Headers by a name that this aiohttp does not know, as one of the guard's once was."""

    __iter__ = breaks


class OutOfTime:
    """Where a response has its code. Of this error aiohttp would make a 504."""

    def __hash__(self):
        raise TimeoutError("secret")


FAULTS = [
    pytest.param(Origins, "knows_host", breaks, id="admission"),
    pytest.param(Origins, "permits", breaks, id="origin"),
    pytest.param(Origins, "configured", breaks, id="cors"),
    pytest.param(guard, "SAFE", Unknown(), id="headers"),
    pytest.param(tally, "CODE", OutOfTime(), id="tally"),
    pytest.param(routes.secrets, "token_hex", breaks, id="call-id"),
]
everything_that_breaks = pytest.mark.parametrize(("where", "name", "broken"), FAULTS)


def shop(**given):
    return served(server__cors_origins=[SHOP], **given)


def logged(caplog):
    """The one fault that the log has, with its traceback."""
    (record,) = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert record.exc_info is not None and record.exc_info[2] is not None
    return f"{record.getMessage()}: {record.exc_info[1]}"


class TestPlacingACall:
    @everything_that_breaks
    @awaited
    async def test_is_refused_and_not_by_5xx(self, monkeypatch, caplog, where, name, broken):
        calls = FakeCalls(capacity=1)
        async with shop(calls=calls) as http:
            with monkeypatch.context() as patched:
                patched.setattr(where, name, broken)
                response = await http.post(CALLS, data=OFFER, headers=PLACING)
            error = await error_of(response)
            assert calls.active == 0  # nobody knows of it, and it would wait for its caller
            again = await http.post(CALLS, data=OFFER, headers=PLACING)
        assert (response.status, error["code"]) == (422, "offer_failed")
        assert "secret" not in error["message"]
        assert logged(caplog) == f"POST {CALLS} failed: secret"
        assert again.status == 201  # the server lives

    @awaited
    async def test_is_refused_where_the_answer_cannot_be_written(self, monkeypatch, caplog):
        """Headers are looked at when they are written, after all middlewares."""
        calls = FakeCalls(capacity=1)
        async with served(calls) as http:
            monkeypatch.setattr(guard, "SAFE", {"X-Two": "lines\r\n"})
            response = await http.post(CALLS, data=OFFER, headers=SDP)
            assert (response.status, (await error_of(response))["code"]) == (
                422,
                "offer_failed",
            )
            assert calls.active == 0
        assert logged(caplog).startswith(f"POST {CALLS} failed")

    @awaited
    async def test_is_not_repeated_by_the_vendors_client(self, monkeypatch):
        calls = FakeCalls(capacity=9)
        async with served(calls) as http:
            monkeypatch.setattr(guard, "SAFE", Unknown())
            async with AsyncOpenAI(
                api_key="ek_x", base_url=str(http.make_url("/v1"))
            ) as openai:
                with pytest.raises(UnprocessableEntityError):
                    await openai.realtime.calls.create(sdp=OFFER.decode())
        assert len(calls.offers) == 1

    @awaited
    async def test_is_refused_even_where_the_call_cannot_be_ended(self, monkeypatch, caplog):
        class Stuck(FakeCalls):
            hang_up = breaks

        monkeypatch.setattr(guard, "SAFE", Unknown())
        async with served(Stuck()) as http:
            response = await http.post(CALLS, data=OFFER, headers=SDP)
            assert (response.status, (await error_of(response))["code"]) == (
                422,
                "offer_failed",
            )
        assert "could not be hung up" in caplog.text

    @awaited
    async def test_is_refused_where_refusals_cannot_be_counted(self, caplog):
        async with served(refused=breaks) as http:
            response = await http.post(CALLS, data=b"", headers=SDP)
            assert response.status == 422
            assert (await error_of(response))["code"] == "offer_failed"
        assert logged(caplog).endswith("secret")


class TestACallerWhoIsGone:
    @pytest.mark.parametrize("heard_of", ["before the answer", "while it is written"])
    @awaited
    async def test_by_the_time_they_are_answered_has_no_seat(self, heard_of):
        """Killed: a seat that is held until the call would have been connected."""

        class Slow(FakeCalls):
            begun, gone, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

            async def answer(self, *args):
                self.begun.set()
                await self.gone.wait()
                if heard_of == "while it is written":  # the loop learns of it by writing
                    caller.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
                    caller.close()
                return await super().answer(*args)

            async def hang_up(self, call_id):
                self.ended.set()
                return await super().hang_up(call_id)

        calls = Slow(capacity=1)
        async with served(calls) as http, asyncio.timeout(10):
            http.server.handler.handler_cancellation = False  # as servers are, but for tests
            caller = socket.create_connection((http.host, http.port))
            lines = [f"POST {CALLS} HTTP/1.1", f"Host: {http.host}:{http.port}"]
            lines += ["Content-Type: application/sdp", f"Content-Length: {len(OFFER)}", "", ""]
            caller.sendall("\r\n".join(lines).encode() + OFFER)
            await calls.begun.wait()
            if heard_of == "before the answer":
                (connection,) = http.server.handler.connections
                connection.transport.abort()
            calls.gone.set()
            await calls.ended.wait()
            caller.close()
            assert len(calls.offers) == 1 and calls.active == 0

    @awaited
    async def test_as_soon_as_they_were_answered_keeps_it(self):
        calls = FakeCalls(capacity=1)
        async with served(calls) as http:
            response = await http.post(
                CALLS, data=OFFER, headers={**SDP, "Connection": "close"}
            )
            assert response.status == 201 and await response.text()
        assert calls.active == 1


class TestHangingUp:
    @pytest.mark.parametrize(("method", "path"), [("DELETE", ""), ("POST", "/hangup")])
    @awaited
    async def test_is_refused_and_not_by_5xx(self, monkeypatch, caplog, method, path):
        monkeypatch.setattr(Origins, "configured", breaks)
        async with shop() as http:
            url = f"{CALLS}/rtc_{'0a' * 16}{path}"
            response = await http.request(method, url, headers={"Origin": SHOP})
            assert response.status == 422
            assert (await error_of(response))["code"] == "hang_up_failed"
        assert logged(caplog) == f"{method} {CALLS}/rtc_0a0a0a0a{path} failed: secret"


class TestAnyOtherRoute:
    @pytest.mark.parametrize("path", ["/metrics", "/healthz", "/sdk/none.js"])
    @awaited
    async def test_says_that_the_fault_is_ours(self, monkeypatch, caplog, path):
        monkeypatch.setattr(guard, "SAFE", Unknown())
        async with served() as http:
            response = await http.get(path)
            assert response.status == 500
            assert (await error_of(response))["code"] == "internal_error"
        assert logged(caplog) == f"GET {path} failed: secret"

    @awaited
    async def test_a_handlers_fault_keeps_its_secret(self, caplog):
        class Broken(FakeCalls):
            active = property(breaks)

        async with served(Broken()) as http:
            response = await http.get("/healthz")
            assert response.status == 500
            assert "secret" not in await response.text()
        assert logged(caplog) == "GET /healthz failed: secret"


@awaited
async def test_nobody_sniffs_and_nobody_learns_versions_from_a_fault(monkeypatch):
    monkeypatch.setattr(guard, "SAFE", Unknown())
    async with served() as http:
        response = await http.get("/healthz")
    assert {name: response.headers[name] for name in SAFE} == SAFE
    assert response.content_type == "application/json"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello",
        b"GET / HTTP/1.1\r\nAuthorization secret\r\n\r\n",
        b"POST /v1/realtime/calls HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp"
        b"\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\nsecret!",
    ],
)
@awaited
async def test_what_cannot_be_read_is_one_line_in_the_log(caplog, request_bytes):
    """Killed: forty lines, and the headers in them, for eighty bytes from anybody."""
    caplog.set_level(logging.INFO)
    async with served() as http:
        reader, writer = await asyncio.open_connection(http.host, http.port)
        writer.write(request_bytes)
        assert b" 400 " in await reader.readline()
        writer.close()
        await reader.read()
    [line] = [r for r in caplog.records if r.name == "aiohttp.server"]
    assert (line.levelno, line.exc_info) == (logging.INFO, None)
    assert "\n" not in caplog.messages[-1]
    assert "secret" not in caplog.text
