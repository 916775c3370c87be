"""The page at ``/``: what this is, and a line to try it."""

import html

from aiohttp import web

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>pulse-events</title>
<h1>pulse-events</h1>
<p>This server sends RabbitMQ messages to web pages and scripts as Server-Sent Events. Try it:</p>
<pre>curl -N '{base}/events/v1/connect/?bindings={bindings}'</pre>
<p>See also <a href="/api/events/v1/stats">stats</a>, <a href="/metrics">metrics</a>,
<a href="/__heartbeat__">heartbeat</a>, <a href="/__version__">version</a>.</p>
</html>
"""

_EXAMPLE = (
    "%7B%22bindings%22%3A%5B%7B%22exchange%22%3A%22exchange%2Ftaskcluster-queue%2Fv1%2F"
    "task-completed%22%2C%22routingKeyPattern%22%3A%22%23%22%7D%5D%7D"
)


async def page(request: web.BaseRequest) -> web.Response:
    """Answer with the page; its example names the host that the client asked."""
    # Not `request.host`: without the header it asks the DNS, and the whole process would wait.
    host = request.headers.get("Host", "127.0.0.1")
    base = html.escape(f"{request.scheme}://{host}")
    return web.Response(
        text=_PAGE.format(base=base, bindings=_EXAMPLE),
        content_type="text/html",
        headers={"Content-Security-Policy": "default-src 'none'; style-src 'self'"},
    )
