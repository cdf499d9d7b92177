"""A reverse proxy that serves a server under a path, as nginx does with `location /voice/`.

The server behind it knows nothing of the path; whoever asks beside it gets 404.
"""

import contextlib

import aiohttp
from aiohttp import hdrs, web


@contextlib.asynccontextmanager
async def prefixed(server, prefix):
    """Its URL, prefix included, while it runs."""
    own = (hdrs.CONTENT_LENGTH, hdrs.TRANSFER_ENCODING, hdrs.CONNECTION)

    async def forward(request):
        asked = http.request(
            request.method,
            server + request.raw_path.removeprefix(prefix),
            headers={name: value for name, value in request.headers.items() if name not in own},
            data=await request.read(),
        )
        async with asked as answer:
            headers = {name: each for name, each in answer.headers.items() if name not in own}
            return web.Response(status=answer.status, headers=headers, body=await answer.read())

    app = web.Application()
    app.router.add_route("*", prefix + "/{path:.*}", forward)
    runner = web.AppRunner(app, access_log=None)
    async with aiohttp.ClientSession(auto_decompress=False) as http:
        await runner.setup()
        try:
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            yield "http://{}:{}".format(*runner.addresses[0][:2]) + prefix
        finally:
            await runner.cleanup()
