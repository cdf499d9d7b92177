import mimetypes

import pytest
from fake_calls import awaited, served

SHOP = "https://shop.example"


@pytest.fixture
def web_root(tmp_path):
    root = tmp_path / "web"
    root.mkdir()
    (root / "index.html").write_text("<!doctype html><title>Hello</title>")
    (root / "example.html").write_text("<!doctype html>")
    (root / "voxline.js").write_text("export {};")
    (root / "page.css").write_text("body {}")
    (root / "icon.svg").write_text("<svg/>")
    (root / "jsconfig.json").write_text("{}")
    (root / ".hidden.js").write_text("hidden")
    (root / "folder.js").mkdir()
    (tmp_path / "secret.js").write_text("secret")
    return root


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "text/html"),
        ("/sdk/example.html", "text/html"),
        ("/sdk/voxline.js", "text/javascript"),
        ("/sdk/page.css", "text/css"),
        ("/sdk/icon.svg", "image/svg+xml"),
    ],
)
@awaited
async def test_types(web_root, path, kind):
    async with served(web_root=web_root) as http:
        response = await http.get(path)
        assert response.status == 200
        assert response.content_type == kind
        assert response.headers["X-Content-Type-Options"] == "nosniff"


@awaited
async def test_types_are_not_the_systems(web_root, monkeypatch):
    monkeypatch.setattr(mimetypes, "guess_type", lambda *args, **kwargs: ("text/plain", None))
    async with served(web_root=web_root) as http:
        response = await http.get("/sdk/voxline.js")
        assert response.content_type == "text/javascript"


@awaited
async def test_a_page_runs_nothing_but_our_own(web_root):
    async with served(web_root=web_root) as http:
        policy = (await http.get("/")).headers["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert "unsafe" not in policy


@awaited
async def test_what_has_not_changed_is_not_sent_again(web_root):
    async with served(web_root=web_root) as http:
        for path in ("/", "/sdk/voxline.js"):
            first = await http.get(path)
            again = await http.get(path, headers={"If-None-Match": first.headers["ETag"]})
            assert again.status == 304
            since = {"If-Modified-Since": first.headers["Last-Modified"]}
            assert (await http.get(path, headers=since)).status == 304


@awaited
async def test_how_long_a_browser_may_keep_it(web_root):
    async with served(web_root=web_root) as http:
        assert (await http.get("/")).headers["Cache-Control"] == "no-cache"
        assert (await http.get("/sdk/voxline.js")).headers["Cache-Control"] == "max-age=60"


@pytest.mark.parametrize("origins", [[], [SHOP]])
@awaited
async def test_other_sites_load_the_sdk_only_when_configured(web_root, origins):
    async with served(web_root=web_root, server__cors_origins=origins) as http:
        response = await http.get("/sdk/voxline.js", headers={"Origin": SHOP})
        allowed = response.headers.get("Access-Control-Allow-Origin")
        assert allowed == (SHOP if origins else None)
        assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize(
    "path",
    [
        "/sdk/",
        "/sdk/jsconfig.json",
        "/sdk/folder.js",
        "/sdk/../secret.js",
        "/sdk/..%2fsecret.js",
        "/sdk/%2e%2e/secret.js",
        "/secret.js",
        "/sdk/nothing.js",
    ],
)
@awaited
async def test_nothing_else_is_reachable(web_root, path):
    async with served(web_root=web_root) as http:
        response = await http.get(path)
        assert response.status == 404
        assert "secret" not in await response.text()


@awaited
async def test_without_files_there_are_still_calls(tmp_path):
    async with served(web_root=tmp_path / "none") as http:
        assert (await http.get("/")).status == 404
        assert (await http.get("/healthz")).status == 200
