import pytest
from fake_calls import CALLS, OFFER, SDP, FakeCalls, awaited, served

from agent.errors import ConfigError
from signaling.app import METRICS_TYPE, WEB


@awaited
async def test_health_counts_calls():
    calls = FakeCalls(capacity=1)
    async with served(calls) as http:
        health = await (await http.get("/healthz")).json()
        assert health == {"status": "ok", "calls": 0, "capacity": 1, "engine": "fake"}
        await http.post(CALLS, data=OFFER, headers=SDP)
        health = await (await http.get("/healthz")).json()
        assert health == {"status": "full", "calls": 1, "capacity": 1, "engine": "fake"}


@awaited
async def test_health_says_when_the_engines_are_gone():
    async with served(ready=False) as http:
        response = await http.get("/healthz")
        assert response.status == 503
        assert (await response.json())["status"] == "restarting"


@awaited
async def test_metrics_are_given_as_they_are():
    async with served() as http:
        response = await http.get("/metrics")
        assert await response.read() == b"voxline_calls 1\n"
        assert response.headers["Content-Type"] == METRICS_TYPE


@awaited
async def test_an_origin_that_is_none_stops_the_start():
    with pytest.raises(ConfigError, match=r"server\.cors_origins: 'shop\.example'"):
        async with served(server__cors_origins=["shop.example"]):
            pass


@awaited
async def test_the_page_that_is_shipped():
    async with served(web_root=WEB) as http:
        assert (await http.get("/")).status == 200
        for name in ("voxline.js", "voxline-agent.js", "page.js", "example.html"):
            assert (await http.get(f"/sdk/{name}")).status == 200
