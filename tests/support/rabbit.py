"""A private RabbitMQ node: started, stopped, killed and restarted by the tests.

Owns the node's processes (the Erlang machine and an epmd), its folder, ports, cookie and
certificates.  Touches nothing of a RabbitMQ that the machine may run as a service, and knows
nothing of AMQP beyond "a connection opens": see ``amqp.py``.
"""

import contextlib
import json
import os
import pwd
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import cycle, islice
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import pika
import pika.exceptions
import trustme

from tests.support import reaper
from tests.support.waiting import wait_until

_SCRIPTS = Path("/usr/lib/rabbitmq/bin")  # below Debian's wrapper, which insists on its own HOME
_START_LIMIT_S = 60.0
_STOP_LIMIT_S = 30.0
_CTL_LIMIT_S = 60.0
_ENDED_MEANWHILE = 3
"""How often a connection may end just when a node closes them all."""
# Below Linux's ephemeral range: a restarted node finds its port free, no client got it meanwhile.
_PORTS = range(21000, 32000)
_CTL_PORTS = range(20000, 20900)


class RabbitError(Exception):
    """A node did not start or stop, or ``rabbitmqctl`` failed; the text holds what it said."""


def _own_ports() -> Iterator[int]:
    """Return ports of this test worker alone, each once in a while, for ever.

    Between choosing one and listening on it no other worker may choose it, nor this one again.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = _PORTS[worker :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))]
    return cycle(random.sample(ports, k=len(ports)))


_ports = _own_ports()


def free_port() -> int:
    """Return a TCP port that nobody listens on and no client is given by the kernel."""
    for port in islice(_ports, 200):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RabbitError("no free port among 200 tried")


def program(name: str) -> str:
    """Return the path of one of RabbitMQ's or Erlang's programs."""
    path = os.pathsep.join([str(_SCRIPTS), os.environ.get("PATH", ""), "/usr/sbin"])
    found = shutil.which(name, path=path)
    if found is None:
        raise RabbitError(f"{name} is not installed; `make test` installs it on Debian")
    return found


def _account() -> pwd.struct_passwd | None:
    """Return whom the broker runs as: root hands down to ``rabbitmq``, others stay themselves."""
    return pwd.getpwnam("rabbitmq") if os.geteuid() == 0 else None


def _start(
    command: list[str], environment: Mapping[str, str], log: Path
) -> subprocess.Popen[bytes]:
    account = _account()
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env=environment,
            cwd=environment["HOME"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
    reaper.watch(process.pid)
    return process


def _end(process: subprocess.Popen[bytes], how: signal.Signals, within_s: float) -> None:
    """Send ``how`` and wait; whatever is left of the process group is killed."""
    try:
        if process.poll() is None:
            process.send_signal(how)
        process.wait(within_s)
    except subprocess.TimeoutExpired:
        raise RabbitError(f"process {process.pid} did not end within {within_s} s") from None
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(within_s)
        reaper.forget(process.pid)


@dataclass(slots=True)
class Commons:
    """What the nodes of one cluster share: a folder, the cookie, one epmd, one authority."""

    folder: Path
    epmd_port: int
    authority: trustme.CA = field(default_factory=trustme.CA)
    epmd: subprocess.Popen[bytes] | None = None
    nodes: int = 0

    @classmethod
    def create(cls) -> Self:
        """Make the folder (readable by the broker's account) and the cookie."""
        folder = Path(tempfile.mkdtemp(prefix="pulse-events-rabbit-"))
        reaper.watch(folder)
        commons = cls(folder, free_port())
        cookie = folder / ".erlang.cookie"
        cookie.write_text(secrets.token_hex(16))
        cookie.chmod(0o400)
        commons.authority.cert_pem.write_to_path(folder / "ca.pem")
        return commons

    def give_to_account(self) -> None:
        """Hand every file over to the account the broker runs as."""
        account = _account()
        if account:
            for path in [self.folder, *self.folder.rglob("*")]:
                os.chown(path, account.pw_uid, account.pw_gid)

    def environment(self) -> dict[str, str]:
        """Return what Erlang needs to find the cookie and the epmd."""
        return {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LANG": "C.UTF-8",
            "HOME": str(self.folder),
            "ERL_EPMD_PORT": str(self.epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
        }

    def enter(self) -> None:
        """Count one more node; start epmd before the first, so that no node forks one off."""
        self.nodes += 1
        if self.epmd is None:
            self.epmd = _start([program("epmd")], self.environment(), self.folder / "epmd.log")
            wait_until(lambda: _listening(self.epmd_port), "epmd listens", within_s=10)

    def leave(self) -> None:
        """Count one less; with the last node go epmd and the folder."""
        self.nodes -= 1
        if self.nodes == 0:
            if self.epmd is not None:
                _end(self.epmd, signal.SIGTERM, _STOP_LIMIT_S)
                self.epmd = None
            shutil.rmtree(self.folder, ignore_errors=True)
            reaper.forget(self.folder)


class Rabbit:
    """One node, ``with Rabbit() as rabbit: …``; listens on 127.0.0.1, with and without TLS.

    Args:
        peer: A node to share cookie, epmd and authority with; :meth:`join` then makes a cluster.
    """

    def __init__(self, peer: "Rabbit | None" = None) -> None:
        self._commons: Commons = peer._commons if peer else Commons.create()
        self.name = f"test-{secrets.token_hex(4)}@localhost"
        self.folder = self._commons.folder / self.name
        self.port = free_port()
        self.tls_port = free_port()
        self._dist_port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._entered = False

    # ------------------------------------------------------------------------------ where it is

    @property
    def amqp_url(self) -> str:
        """The URL of the default user ``guest``, who may do anything in the vhost ``/``."""
        return self.url()

    @property
    def amqps_url(self) -> str:
        """The same over TLS; the certificate is signed by ``ca_file``."""
        return self.url(tls=True)

    @property
    def ca_file(self) -> Path:
        """The authority that signed the broker's certificate (names: localhost, 127.0.0.1)."""
        return self._commons.folder / "ca.pem"

    @property
    def log(self) -> str:
        """What the node wrote at its start and into its log, for a failed test's message."""
        files = [self.folder / "startup.log", *sorted((self.folder / "log").glob("*.log"))]
        return "\n".join(f.read_text(errors="replace") for f in files if f.exists())

    @property
    def pid(self) -> int:
        """The process id of the running Erlang machine."""
        return self._running().pid

    def url(
        self, user: str = "guest", password: str = "guest", vhost: str = "/", *, tls: bool = False
    ) -> str:
        """Return the URL for ``user``, whether or not there is such a user."""
        scheme, port = ("amqps", self.tls_port) if tls else ("amqp", self.port)
        host = "localhost" if tls else "127.0.0.1"
        return f"{scheme}://{quote(user)}:{quote(password)}@{host}:{port}/{quote(vhost, safe='')}"

    # --------------------------------------------------------------------------- start and stop

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the node, with the ports and data it had, and wait until it takes connections."""
        if self._process is not None:
            raise RabbitError(f"{self.name} runs already")
        try:
            if not self._entered:
                self._write_settings()
                self._commons.give_to_account()
                self._commons.enter()
                self._entered = True
            self._process = _start(
                [program("rabbitmq-server")], self._environment(), self.folder / "startup.log"
            )
            wait_until(self._is_up, f"{self.name} takes connections", within_s=_START_LIMIT_S)
        except BaseException as error:
            log = self.log
            self.close()
            if isinstance(error, Exception):
                raise RabbitError(f"{error}\n{log}") from error
            raise

    def stop(self) -> None:
        """Stop gracefully: connections are closed, data is kept."""
        self._finish(signal.SIGTERM)

    def kill(self) -> None:
        """End the node by SIGKILL, as a crash would; data is what was on disk."""
        self._finish(signal.SIGKILL)

    def restart(self) -> None:
        """Stop gracefully and start again with the same ports and data."""
        self.stop()
        self.start()

    def close(self) -> None:
        """End the node for good, with its data; a cluster's common parts go with its last node."""
        if self._process is not None:
            self.kill()
        if self._entered:
            self._entered = False
            self._commons.leave()

    def _finish(self, how: signal.Signals) -> None:
        process, self._process = self._running(), None
        _end(process, how, _STOP_LIMIT_S)

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RabbitError(f"{self.name} does not run")
        return self._process

    def _is_up(self) -> bool:
        if self._running().poll() is not None:
            raise RabbitError(f"{self.name} ended with code {self._running().returncode}")
        return _listening(self.port) and _listening(self.tls_port) and _takes_amqp(self.amqp_url)

    # ---------------------------------------------------------------------------- rabbitmqctl

    def ctl(self, *arguments: str) -> str:
        """Run ``rabbitmqctl`` with ``arguments`` and return its output (takes 1 to 2 s).

        Raises:
            RabbitError: It failed; the text is what it said.
        """
        return self._run("rabbitmqctl", *arguments)

    def _run(self, tool: str, *arguments: str) -> str:
        account = _account()
        done = subprocess.run(
            [program(tool), "--quiet", *arguments],
            env=self._environment(),
            cwd=self._commons.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_CTL_LIMIT_S,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
        )
        if done.returncode != 0:
            raise RabbitError(f"{tool} {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def enable(self, plugin: str) -> None:
        """Start one of RabbitMQ's plugins, for the rest of the node's life."""
        self._run("rabbitmq-plugins", "enable", "--online", plugin)

    def maintain(self, *, begin: bool) -> None:
        """Put the node into maintenance, which closes connections and ports, or take it out."""
        command = "drain" if begin else "revive"
        for _ in range(_ENDED_MEANWHILE):
            try:
                self._run("rabbitmq-upgrade", command)
            except RabbitError as error:
                # A connection has ended by itself while it closed all, whatever for (`noproc`,
                # `normal`): what is left is closed the next time.
                if not any(sign in str(error) for sign in ("noproc", ":gen_server, :call")):
                    raise
            else:
                return
        self._run("rabbitmq-upgrade", command)

    @cached_property
    def major(self) -> int:
        """The first number of its version."""
        return int(self.ctl("version").partition(".")[0])

    def rows(self, command: str, *columns: str) -> list[dict[str, Any]]:
        """Return a listing as dictionaries: ``rows("list_queues", "name", "messages")``."""
        rows: list[dict[str, Any]] = json.loads(self.ctl(command, *columns, "--formatter=json"))
        return rows

    def bindings(self, exchange: str) -> set[tuple[str, str]]:
        """Return the (queue, pattern) pairs bound to ``exchange``."""
        rows = self.rows("list_bindings", "source_name", "destination_name", "routing_key")
        return {
            (row["destination_name"], row["routing_key"])
            for row in rows
            if row["source_name"] == exchange
        }

    def add_user(
        self, name: str, password: str, *, configure: str = "", write: str = "", read: str = ""
    ) -> None:
        """Add a user of the vhost ``/``; permissions are regular expressions, none by default."""
        self.ctl("add_user", name, password)
        self.ctl("set_permissions", name, *(p or "^$" for p in (configure, write, read)))

    def join(self, other: "Rabbit") -> None:
        """Make this node a member of ``other``'s cluster; it was made with ``peer=other``."""
        self.ctl("stop_app")
        self.ctl("join_cluster", other.name)
        self.ctl("start_app")
        wait_until(self._is_up, f"{self.name} is back", within_s=_START_LIMIT_S)

    # ------------------------------------------------------------------------------- settings

    def _write_settings(self) -> None:
        self.folder.mkdir()
        certificate = self._commons.authority.issue_cert("localhost", "127.0.0.1")
        certificate.private_key_pem.write_to_path(self.folder / "key.pem")
        (self.folder / "key.pem").chmod(0o600)
        for blob in certificate.cert_chain_pems:
            blob.write_to_path(self.folder / "cert.pem", append=True)
        (self.folder / "plugins").write_text("[].\n")
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self.port}\n"
            f"listeners.ssl.1 = 127.0.0.1:{self.tls_port}\n"
            f"ssl_options.cacertfile = {self.ca_file}\n"
            f"ssl_options.certfile = {self.folder}/cert.pem\n"
            f"ssl_options.keyfile = {self.folder}/key.pem\n"
            "ssl_options.verify = verify_none\n"
            "log.file.level = info\n"
        )

    def _environment(self) -> dict[str, str]:
        folder = str(self.folder)
        return self._commons.environment() | {
            # Makes the start script replace itself by Erlang: our child is the broker, no shell.
            "RUNNING_UNDER_SYSTEMD": "true",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq.conf",
            "RABBITMQ_ADVANCED_CONFIG_FILE": f"{folder}/advanced.config",
            "RABBITMQ_CONFIG_FILES": f"{folder}/conf.d",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/plugins",
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_DIST_PORT": str(self._dist_port),
            "RABBITMQ_CTL_DIST_PORT_MIN": str(_CTL_PORTS.start),
            "RABBITMQ_CTL_DIST_PORT_MAX": str(_CTL_PORTS.stop),
            "RABBITMQ_MNESIA_BASE": f"{folder}/data",
            "RABBITMQ_LOG_BASE": f"{folder}/log",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}"
            " +sbwt none +sbwtdcpu none +sbwtdio none",  # an idle node leaves others the processor
        }


def _listening(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


def _takes_amqp(url: str) -> bool:
    parameters = pika.URLParameters(url)
    parameters.socket_timeout = parameters.stack_timeout = 5
    with contextlib.suppress(pika.exceptions.AMQPError, OSError):
        pika.BlockingConnection(parameters).close()
        return True
    return False
