"""Debian's nginx in front of a server, with the configuration that the documents give.

Owns its process and a folder for all that it writes.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

from tests.docs.blocks import blocks
from tests.support import reaper
from tests.support.rabbit import free_port
from tests.support.raw_stream import RawStream
from tests.support.waiting import wait_until

_UPSTREAMS = ("127.0.0.1:12345", "127.0.0.1:12346")
_ONE, _SEVERAL = f"http://{_UPSTREAMS[0]};", "http://events;"
_LISTEN = "listen 80;"
_AROUND = """
daemon off;
master_process off;
pid {folder}/pid;
error_log {folder}/error.log;
events {{ worker_connections 2048; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {documented}
    server {{
        listen 127.0.0.1:{bare_port};
        large_client_header_buffers 4 64k;
        location / {{ proxy_pass http://{upstream}; }}
    }}
}}
"""


def _documented(ports: Sequence[int]) -> str:
    """Return the documented configuration in front of one server, or of two."""
    server, upstreams = (block.text for block in blocks() if block.language == "nginx")
    if len(ports) > 1:
        assert _ONE in server
        server = upstreams + server.replace(_ONE, _SEVERAL)
    for name, port in zip(_UPSTREAMS, ports, strict=False):
        assert name in server
        server = server.replace(name, f"127.0.0.1:{port}")
    return server


class Nginx:
    """A proxy of one server or of two, in turn: ``with Nginx(port) as nginx: … nginx.port``.

    It also listens at ``bare_port`` with nothing set: there it speaks HTTP/1.0 to the first one.
    """

    def __init__(self, *upstream_ports: int) -> None:
        self.port, self.bare_port = free_port(), free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="pulse-events-nginx-"))
        self._folder.chmod(0o755)
        reaper.watch(self._folder)
        documented = _documented(upstream_ports)
        assert _LISTEN in documented
        text = _AROUND.format(
            folder=self._folder,
            documented=documented.replace(_LISTEN, f"listen 127.0.0.1:{self.port};"),
            bare_port=self.bare_port,
            upstream=f"127.0.0.1:{upstream_ports[0]}",
        )
        (self._folder / "nginx.conf").write_text(text)
        self._process = self._start()

    def __enter__(self) -> Self:
        try:
            wait_until(self._answers, "nginx answers")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_exception: object) -> None:
        self._process.kill()
        self._process.wait(10)
        reaper.forget(self._process.pid)
        shutil.rmtree(self._folder, ignore_errors=True)
        reaper.forget(self._folder)

    def _start(self) -> subprocess.Popen[bytes]:
        path = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
        assert path is not None, "nginx is not installed; `make test` installs it on Debian"
        command = [path, "-p", str(self._folder), "-c", "nginx.conf", "-e", "error.log"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        reaper.watch(process.pid)
        return process

    def _answers(self) -> bool:
        assert self._process.poll() is None, (self._folder / "error.log").read_text()
        try:
            with RawStream(self.port, "/__lbheartbeat__") as stream:
                return stream.head().status == 200
        except OSError:
            return False
