"""Pages for the documents' snippets: what is around one, and a server of files for them."""

import contextlib
import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

_AROUND_A_SNIPPET = """<!doctype html>
<meta charset="utf-8">
<pre id="said"></pre>
<script>
  const said = document.getElementById("said");
  const say = (...words) => said.append(words.join(" ") + "\\n");
  console.log = say;
  addEventListener("error", (event) => say(event.message));
</script>
<script type="module">
"""


class _Files(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_words: object) -> None:
        """Keep the tests' output clean."""


def page_of(snippet: str) -> str:
    """Return a page that runs ``snippet`` and shows what it logs."""
    return f"{_AROUND_A_SNIPPET}{snippet}\n</script>"


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve the files of ``folder``; yield the URL, with a slash at its end."""
    serve = partial(_Files, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), serve) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join(10)
