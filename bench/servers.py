"""What is measured: our server (or another with the same interface) and its peers, as processes."""

import contextlib
import json
import shlex
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template

from bench.load import Crowd, Load
from bench.processes import ANSWER_WITHIN_S, BUILT, ROOT, SERVER_CPUS, Child, descendants
from tests.support.rabbit import free_port
from tests.support.server import clean_environment
from tests.support.waiting import wait_until

OURS = f"{Path(sys.executable).with_name('pulse-events')} serve"
NO_PINGS_S = 3600
_NCHAN_READY = "\n\n"
_NGINX_MODULES = Path("/usr/lib/nginx/modules")


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A running server."""

    child: Child
    port: int

    @property
    def pids(self) -> list[int]:
        """Its processes, children included."""
        return descendants(self.child.pid)

    def open(self, crowd: Crowd) -> Load:
        """Open streams."""
        return Load(self.port, self.pids, crowd)

    def count(self, name: str) -> int:
        """Return one of the counts of ``/stats``."""
        url = f"http://127.0.0.1:{self.port}/api/events/v1/stats"
        with urllib.request.urlopen(url, timeout=ANSWER_WITHIN_S) as answer:
            return int(json.load(answer)[name])


@contextlib.contextmanager
def serving(
    command: str, broker_url: str, *options: str, cpus: Sequence[int] = SERVER_CPUS[:1]
) -> Iterator[RunningServer]:
    """Run a server of the contract's interface on the server's CPU."""
    words = [*shlex.split(command), "--port", "0", "--broker", broker_url, *options]
    with (
        tempfile.TemporaryDirectory(prefix="pulse-events-bench-") as folder,
        Child(words, cpus=cpus, environment=clean_environment(), folder=Path(folder)) as child,
    ):
        yield RunningServer(child, child.find_port())


@contextlib.contextmanager
def fanout() -> Iterator[RunningServer]:
    """Run the C peer; its stdin takes ``RATE JOINED FRAME_BYTES``."""
    with Child([str(BUILT / "fanout")], cpus=SERVER_CPUS[:1]) as child:
        yield RunningServer(child, child.find_port())


@contextlib.contextmanager
def nchan() -> Iterator[RunningServer]:
    """Run nginx with Debian's nchan module: subscribe at ``/s``, publish by POST at ``/p``."""
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="pulse-events-nchan-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "modules").symlink_to(_NGINX_MODULES)
        text = (ROOT / "bench/peers/nchan.conf").read_text()
        (folder / "nchan.conf").write_text(Template(text).substitute(port=port))
        command = ["nginx", "-p", f"{folder}/", "-c", "nchan.conf", "-e", "nchan.err"]
        with Child(command, cpus=SERVER_CPUS[:1]) as child:
            wait_until(lambda: len(descendants(child.pid)) > 1, "nginx has a worker")
            yield RunningServer(child, port)


def as_nchan_crowd(crowd: Crowd) -> Crowd:
    """Return the same streams as nchan's: one channel; a comment is the first that it sends."""
    return replace(crowd, path="/s", ready=_NCHAN_READY)
