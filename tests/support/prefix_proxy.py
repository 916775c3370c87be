"""A reverse proxy that puts a server under a path of its own, as deployments do."""

import http.client
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "date", "server"}


class PrefixProxy:
    """``with PrefixProxy(server.port, "/pulse/") as proxy: proxy.url``; other paths are 404."""

    def __init__(self, port: int, prefix: str) -> None:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(port, prefix))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._server.server_port}{prefix}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()


def _handler(port: int, prefix: str) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:  # named by http.server
            self._pass_on()

        do_POST = do_GET

        def log_message(self, *_arguments: object) -> None:
            """Say nothing."""

        def _pass_on(self) -> None:
            if not self.path.startswith(prefix):
                self.send_error(404)
                return
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            upstream = http.client.HTTPConnection("127.0.0.1", port)
            try:
                upstream.request(self.command, self.path[len(prefix) - 1 :], body)
                self._answer(upstream.getresponse())
            except OSError:
                pass  # one side has left
            finally:
                upstream.close()

        def _answer(self, response: http.client.HTTPResponse) -> None:
            self.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.end_headers()
            while chunk := response.read1(1 << 16):
                self.wfile.write(chunk)
                self.wfile.flush()

    return Handler
