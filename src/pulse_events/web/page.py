"""The page at ``/``: what this is and lines to try it; and the catalogue of known exchanges."""

import html

from aiohttp import web

from pulse_events.bindings import BindingSet, format_bindings
from pulse_events.catalogue import Exchange, load_catalogue
from pulse_events.web.answers import json_answer

_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'",
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_EXAMPLE = format_bindings(BindingSet.of([("exchange/taskcluster-queue/v1/task-pending", "#")]))

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>pulse-events</title>
<h1>pulse-events</h1>
<p>This server sends RabbitMQ messages to web pages and scripts as Server-Sent Events.</p>
<h2>From a terminal</h2>
<pre>curl -NG {base}/events/v1/connect/ --data-urlencode \\
  'bindings={example}'</pre>
<h2>In a web page</h2>
<pre>import {{ listen }} from "{base}/events/v1/client.js";

const {{ bindings }} = {example};
for await (const message of listen(bindings)) console.log(message.payload);</pre>
<h2>This server</h2>
<p><a href="/api/events/v1/stats">Counts</a>, <a href="/metrics">metrics</a>,
<a href="/__heartbeat__">heartbeat</a>, <a href="/__version__">version</a>,
<a href="/events/v1/catalogue">known exchanges</a>.</p>
</html>
"""


async def page(request: web.BaseRequest) -> web.Response:
    """Answer with the page; its examples name the host that the client asked."""
    # Not `request.host`: without the header it asks the DNS, and the whole process would wait.
    host = request.headers.get("Host", "127.0.0.1")
    base = html.escape(f"{request.scheme}://{host}")
    text = _PAGE.format(base=base, example=html.escape(_EXAMPLE, quote=False))
    return web.Response(text=text, content_type="text/html", headers=_HEADERS)


class Catalogue:
    """Answers with what the page needs to help with bindings, and to link to Taskcluster.

    Args:
        demo: Whether messages are made up, so that there is always something to see.
        root_url: Of the Taskcluster deployment whose messages these are, if known.
    """

    def __init__(self, *, demo: bool = False, root_url: str | None = None) -> None:
        self._document = {
            "demo": demo,
            "rootUrl": root_url,
            "exchanges": [_describe(exchange) for exchange in load_catalogue()],
        }

    async def __call__(self, _request: web.BaseRequest) -> web.Response:
        """Answer with ``{"demo", "rootUrl", "exchanges": [{…, "words": […]}]}``."""
        return json_answer(self._document)


def _describe(exchange: Exchange) -> dict[str, object]:
    return {
        "service": exchange.service,
        "event": exchange.event,
        "exchange": exchange.name,
        "words": [
            {
                "name": word.name,
                "constant": word.constant,
                "many": word.many,
                "optional": word.optional,
            }
            for word in exchange.words
        ],
    }
