import logging

import pytest
from fake_calls import CALLS, OFFER, SDP, FakeCalls, awaited, error_of, served

SHOP = "https://shop.example"


def placing(**headers):
    return {**SDP, **headers}


class TestPagesOfOtherSites:
    @awaited
    async def test_may_not_call_and_no_call_begins(self):
        calls = FakeCalls()
        async with served(calls) as http:
            response = await http.post(CALLS, data=OFFER, headers=placing(Origin=SHOP))
            assert response.status == 403
            assert (await error_of(response))["code"] == "origin_not_allowed"
        assert calls.offers == []
        assert "Access-Control-Allow-Origin" not in response.headers

    @awaited
    async def test_may_not_even_ask_whether_they_may(self):
        async with served() as http:
            response = await http.options(CALLS, headers={"Origin": SHOP})
            assert response.status == 403
            assert "Access-Control-Allow-Methods" not in response.headers

    @awaited
    async def test_may_not_hang_up(self):
        calls = FakeCalls()
        async with served(calls) as http:
            placed = await http.post(CALLS, data=OFFER, headers=SDP)
            response = await http.delete(placed.headers["Location"], headers={"Origin": SHOP})
            assert response.status == 403
        assert calls.active == 1

    @pytest.mark.parametrize("by", ["DELETE", "its id", "its offer"])
    @awaited
    async def test_that_tell_nobody_where_they_are_may_hang_up(self, by):
        """A beacon of a page with Referrer-Policy no-referrer, such as our own, says null."""
        calls = FakeCalls()
        async with served(calls) as http:
            placed = await http.post(CALLS, data=OFFER, headers=SDP)
            verb = http.delete if by == "DELETE" else http.post
            call = CALLS if by == "its offer" else placed.headers["Location"]
            url = call if by == "DELETE" else f"{call}/hangup"
            ended = await verb(url, data=OFFER, headers={"Origin": "null"})
            assert ended.status == 200
            refused = await http.post(CALLS, data=OFFER, headers=placing(Origin="null"))
            assert refused.status == 403
        assert calls.active == 0

    @awaited
    async def test_who_is_refused_leaves_no_right_to_hang_up_in_the_log(self, caplog):
        caplog.set_level(logging.INFO)
        async with served() as http:
            placed = await http.post(CALLS, data=OFFER, headers=SDP)
            call = placed.headers["Location"]
            caplog.clear()
            await http.post(f"{call}/hangup", headers={"Origin": SHOP})
            await http.get(call, headers={"Origin": SHOP})
            await http.get("/" + "x" * 5000, headers={"Origin": SHOP})
        name = call[: len(f"{CALLS}/rtc_12345678")]
        ours = [r.getMessage() for r in caplog.records if r.name.startswith("signaling")]
        assert call.rpartition("/")[2] not in "".join(ours)
        assert [line.split(" ", 2)[1] for line in ours] == [
            f"{name}/hangup",
            f"{name}:",
            "/" + 99 * "x" + ":",
        ]

    @awaited
    async def test_may_call_when_configured_and_read_where_the_call_is(self):
        async with served(server__cors_origins=[SHOP]) as http:
            response = await http.post(CALLS, data=OFFER, headers=placing(Origin=SHOP))
            assert response.status == 201
            assert response.headers["Access-Control-Allow-Origin"] == SHOP
            assert "Location" in response.headers["Access-Control-Expose-Headers"]
            assert "Origin" in response.headers["Vary"]

    @awaited
    async def test_preflight_allows_what_the_vendors_sdks_send(self):
        """X-OpenAI-Agents-SDK, X-Stainless-OS and more: any; of * browsers except one."""
        async with served(server__cors_origins=[SHOP]) as http:
            response = await http.options(CALLS, headers={"Origin": SHOP})
            assert response.status == 204
            allowed = response.headers["Access-Control-Allow-Headers"].lower().split(", ")
            assert {"authorization", "*"} <= set(allowed)
            assert "DELETE" in response.headers["Access-Control-Allow-Methods"]

    @awaited
    async def test_can_read_why_they_were_refused_when_configured(self):
        async with served(server__cors_origins=["*"]) as http:
            response = await http.post(CALLS, data=b"", headers=placing(Origin=SHOP))
            assert response.status == 400
            assert response.headers["Access-Control-Allow-Origin"] == SHOP

    @awaited
    async def test_the_servers_own_page_may_call(self):
        async with served() as http:
            own = str(http.make_url("/")).rstrip("/")
            response = await http.post(CALLS, data=OFFER, headers=placing(Origin=own))
            assert response.status == 201

    @awaited
    async def test_reading_is_free_but_not_shared(self):
        async with served() as http:
            response = await http.get("/healthz", headers={"Origin": SHOP})
            assert response.status == 200
            assert "Access-Control-Allow-Origin" not in response.headers


class TestWhatTheOperatorReads:
    @awaited
    async def test_a_refusal_names_the_page(self, caplog):
        caplog.set_level(logging.INFO)
        async with served() as http:
            await http.post(CALLS, data=OFFER, headers=placing(Origin=SHOP))
        assert f"origin_not_allowed (Origin '{SHOP}'" in caplog.text

    @awaited
    async def test_a_refusal_names_the_host(self, caplog):
        caplog.set_level(logging.INFO)
        async with served() as http:
            await http.get("/healthz", headers={"Host": "agent.example"})
        assert "host_not_allowed (Origin '', Host 'agent.example')" in caplog.text

    @awaited
    async def test_a_page_whose_browser_will_not_let_it_read_is_named(self, caplog):
        caplog.set_level(logging.INFO)
        async with served() as http:
            await http.get("/healthz", headers={"Origin": SHOP})
        assert f"/healthz: pages of '{SHOP}' may not read it" in caplog.text
        assert "server.cors_origins" in caplog.text

    @pytest.mark.parametrize("configured", [[SHOP], ["*"]])
    @awaited
    async def test_pages_that_may_read_are_not_mentioned(self, caplog, configured):
        caplog.set_level(logging.INFO)
        async with served(server__cors_origins=configured) as http:
            own = str(http.make_url("/")).rstrip("/")
            for headers in ({}, {"Origin": own}, {"Origin": SHOP}):
                assert (await http.get("/healthz", headers=headers)).status == 200
        assert "may not read" not in caplog.text

    @awaited
    async def test_strangers_do_not_fill_the_log(self, caplog):
        caplog.set_level(logging.INFO)
        async with served() as http:
            await http.get("/healthz", headers={"Origin": "https://" + "x" * 5000})
        (line,) = [m for m in caplog.messages if "may not read" in m]
        assert len(line) < 300


class TestNamesOfThisServer:
    @awaited
    async def test_a_rebound_name_is_refused_on_loopback(self):
        async with served() as http:
            headers = placing(Host="evil.example", Origin="http://evil.example")
            response = await http.post(CALLS, data=OFFER, headers=headers)
            assert response.status == 403
            assert (await error_of(response))["code"] == "host_not_allowed"

    @awaited
    async def test_a_configured_proxy_is_let_through(self):
        async with served(server__cors_origins=[SHOP]) as http:
            headers = placing(Host="shop.example", Origin=SHOP)
            assert (await http.post(CALLS, data=OFFER, headers=headers)).status == 201

    @awaited
    async def test_an_open_server_has_any_name(self):
        async with served(server__host="0.0.0.0") as http:
            response = await http.get("/healthz", headers={"Host": "agent.example"})
            assert response.status == 200


class TestEveryRefusalHasTheShape:
    @pytest.mark.parametrize(
        ("method", "path", "status", "code"),
        [
            ("GET", "/nothing", 404, "not_found"),
            ("GET", "/v1/realtime/calls", 405, "method_not_allowed"),
            ("PUT", "/healthz", 405, "method_not_allowed"),
            ("DELETE", "/v1/realtime/calls/rtc_x", 404, "call_not_found"),
        ],
    )
    @awaited
    async def test_by_code(self, method, path, status, code):
        async with served() as http:
            response = await http.request(method, path)
            assert response.status == status
            assert (await error_of(response))["code"] == code
            assert ("Allow" in response.headers) == (status == 405)

    @awaited
    async def test_a_path_cannot_forge_a_line_of_the_log(self, caplog):
        caplog.set_level(logging.INFO)
        async with served() as http:
            url = http.make_url("/").with_path("/a%0aforged", encoded=True)
            await http.session.post(url, headers={"Origin": SHOP})
        lines = [r.getMessage() for r in caplog.records if r.name == "signaling.guard"]
        (line,) = lines
        assert line.startswith("POST /a%0aforged refused: origin_not_allowed (")

    @awaited
    async def test_nobody_sniffs_and_nobody_learns_versions(self):
        async with served() as http:
            for path in ("/healthz", "/nothing"):
                response = await http.get(path)
                assert response.headers["X-Content-Type-Options"] == "nosniff"
                assert response.headers["Server"] == "voxline"
