"""An address that takes all it can get has its share, and another one does not notice."""

import json
import time
from collections.abc import Callable

from tests.faults.conftest import EXCHANGE
from tests.faults.figures import Figures, keep
from tests.faults.greed import greed
from tests.faults.trial import stats
from tests.support.amqp import Amqp
from tests.support.rabbit import Rabbit
from tests.support.raw_stream import RawStream, connect_target
from tests.support.server import Server
from tests.support.waiting import wait_until

OTHER = "127.0.0.3"
SECONDS = 10.0
MOST_SECONDS = 60.0
"""What it may take until each limit was met: who is greedy in all ways is in its own way."""
LIMITS = {
    "--max-streams-per-address": 40,
    "--max-connections-per-address": 130,
    "--max-bindings-per-address": 350,
    "--max-request-rate": 500,
}
SLOWEST_S = 2.0
"""What each thing that the other does may take; half a second was seen on a busy machine.  Behind
all that the one has outstanding, without turns, it takes many."""
DESCRIPTORS = 160
"""So that there is room for 136: the connections and streams of the one address are too many."""


class Modest:
    """A client at an address of its own, which does what clients do and takes no refusal."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._number = 0
        self.slowest_s: dict[str, float] = {}

    def round(self) -> None:
        """Do each thing once."""
        self._number += 1
        self._time("heartbeat", lambda: self._get("/__lbheartbeat__"))
        self._time("ready", lambda: self._listen(connect_target(self._binding("one"))))
        self._time("token", lambda: self._listen(f"/v1/connect?token={self._token()}"))

    def _time(self, what: str, act: Callable[[], None]) -> None:
        started_s = time.monotonic()
        act()
        seconds = time.monotonic() - started_s
        self.slowest_s[what] = max(self.slowest_s.get(what, 0.0), seconds)

    def _get(self, path: str) -> None:
        with RawStream(self._port, path, source=OTHER) as answer:
            assert answer.head().status == 200

    def _listen(self, target: str) -> None:
        with RawStream(self._port, target, source=OTHER) as stream:
            stream.ready()

    def _token(self) -> str:
        exchange, pattern = self._binding("long")
        body = json.dumps({"bindings": [{"exchange": exchange, "routingKeyPattern": pattern}]})
        headers = {"Content-Length": str(len(body))}
        path = "/v1/bindings"
        with RawStream(self._port, path, method="POST", headers=headers, source=OTHER) as answer:
            answer.socket.sendall(body.encode())
            head = answer.head()
            assert head.status == 200
            return str(json.loads(answer.content(head))["token"])

    def _binding(self, kind: str) -> tuple[str, str]:
        return EXCHANGE, f"modest.{kind}.{self._number % 100}"  # its share is 350


def test_an_address_that_takes_all_it_can_get_is_refused_and_another_one_is_not(
    node: Rabbit,
) -> None:
    options = [str(part) for option in LIMITS.items() for part in option]
    with Server("--broker", node.amqp_url, *options, descriptors=DESCRIPTORS) as server:
        modest = Modest(server.port)
        target = connect_target((EXCHANGE, "#"))
        with RawStream(server.port, target, source=OTHER).ready() as listener:
            with greed(server.port, EXCHANGE), Amqp(node.amqp_url) as amqp:
                rounds, started_s = 0, time.monotonic()
                while _is_to_go_on(server.port, time.monotonic() - started_s):
                    modest.round()
                    amqp.publish(EXCHANGE, "n", b"%d" % rounds)
                    rounds += 1
                    time.sleep(0.05)  # it is modest
            counts = stats(server.port)
            got = [event.json["payload"] for event in listener.events(rounds)]
            assert got == list(range(rounds))
        wait_until(lambda: stats(server.port)["audiences"] == 0, "all is given up", within_s=20)
        assert "Traceback" not in server.stderr
    refused = _refused(counts)
    assert counts["refusedConnections"] == 0
    assert all(refused.values())
    assert max(modest.slowest_s.values()) < SLOWEST_S, modest.slowest_s
    slowest = ", ".join(
        f"{what} {1000 * seconds:.0f} ms" for what, seconds in modest.slowest_s.items()
    )
    told = ", ".join(f"{count} {what}" for what, count in refused.items())
    remark = f"{rounds} rounds, nothing refused; slowest {slowest}; of the one: {told}"
    keep(Figures("an unfair address: another one", rounds, 0, 0, None, remark))


def _is_to_go_on(port: int, seconds: float) -> bool:
    if seconds < SECONDS:
        return True
    return seconds < MOST_SECONDS and not all(_refused(stats(port)).values())


def _refused(counts: dict[str, int]) -> dict[str, int]:
    return {
        "requests refused": counts["refusedRequests"],
        "connections refused": counts["refusedConnectionsOfAddress"],
        "connects refused for bindings": counts["refusedDistinctBindingsOfAddress"],
        "connections displaced": counts["displacedConnections"],
    }
