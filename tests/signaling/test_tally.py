"""Which refusals are counted, and as what."""

import ast
from pathlib import Path

import pytest
from fake_calls import CALLS, OFFER, SDP, VIDEO_OFFER, FakeCalls, awaited, served

from agent.errors import RejectedOffer
from signaling.codes import Code
from signaling.origins import Origins

ROOT = Path(__file__).parent.parent.parent
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


REFUSED = [
    (b"v=0\r\n", SDP, Code.AUDIO_SECTIONS),
    (OFFER.replace(b"opus", b"pcmu"), SDP, Code.OPUS_MISSING),
    (OFFER, {**SDP, "Origin": "https://shop.example"}, Code.ORIGIN_NOT_ALLOWED),
    (OFFER, {**SDP, "Host": "shop.example"}, Code.HOST_NOT_ALLOWED),
    (OFFER, {"Content-Type": "text/plain"}, Code.MEDIA_TYPE),
    (b"--x--", FORM, Code.BODY_MALFORMED),
    (bytes(1_000_000), SDP, Code.BODY_TOO_LARGE),
]


@pytest.mark.parametrize(("data", "headers", "code"), REFUSED, ids=[c for *_, c in REFUSED])
@awaited
async def test_a_refused_call_is_counted_once_by_its_code(data, headers, code):
    counted = []
    async with served(refused=counted.append) as http:
        response = await http.post(CALLS, data=data, headers=headers)
        assert response.status >= 400
    assert counted == [code]


@awaited
async def test_a_full_server_is_counted_whoever_notices():
    """The routes, before they read anything, or the calls, for whom it has just become full."""
    counted, calls = [], FakeCalls(capacity=0)
    async with served(calls, refused=counted.append) as http:
        await http.post(CALLS, data=OFFER, headers=SDP)
        calls.capacity = 1
        calls.refusal = RejectedOffer("server_full", "all lines are busy", status=503)
        await http.post(CALLS, data=OFFER, headers=SDP)
    assert counted == ["server_full", "server_full"]


@awaited
async def test_our_own_fault_is_counted_too():
    counted, calls = [], FakeCalls()
    calls.refusal = OSError("broken")
    async with served(calls, refused=counted.append) as http:
        assert (await http.post(CALLS, data=OFFER, headers=SDP)).status == 422
    assert counted == [Code.OFFER_FAILED]


@awaited
async def test_a_fault_in_the_layers_around_is_counted_as_it_is_answered(monkeypatch):
    def breaks(origins, host):
        raise KeyError("broken")

    counted = []
    monkeypatch.setattr(Origins, "knows_host", breaks)
    async with served(refused=counted.append) as http:
        assert (await http.post(CALLS, data=OFFER, headers=SDP)).status == 422
        assert (await http.get("/healthz")).status == 500
        assert (await http.delete(f"{CALLS}/rtc_none")).status == 422
    assert counted == [Code.OFFER_FAILED]


@awaited
async def test_what_is_no_refused_call_is_not_counted():
    counted = []
    async with served(refused=counted.append) as http:
        placed = await http.post(CALLS, data=VIDEO_OFFER, headers=SDP)
        assert placed.status == 201
        assert (await http.delete(f"{CALLS}/rtc_none")).status == 404
        assert (await http.post(f"{CALLS}/rtc_none/hangup")).status == 404
        assert (await http.get("/nowhere")).status == 404
        assert (await http.put(CALLS)).status == 405
        assert (await http.get("/healthz")).status == 200
    assert counted == []


def test_there_are_no_more_codes_than_are_stable():
    """Each is a time series: what the calls refuse with is written out, and is a `Code`."""
    raised = [
        node.args[0]
        for path in sorted((ROOT / "agent").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "RejectedOffer"
    ]
    codes = [code.value for code in raised if isinstance(code, ast.Constant)]
    assert len(codes) == len(raised) > 2
    assert set(codes) <= set(Code)
