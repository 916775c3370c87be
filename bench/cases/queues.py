"""What a client costs the broker: one shared queue beside a queue for each client."""

from dataclasses import dataclass

from bench.load import Crowd
from bench.processes import ROOT, cpu_s
from bench.rows import AT_MOST, Row
from bench.servers import serving
from bench.setting import PAUSE, WARM_S, Publisher, Setting

PROXY = f"node {ROOT}/bench/peers/queue-per-client.mjs"
PEER = "queue per client"
CLIENTS = (200, 1000)
RATE = 10
"""With 1,000 queues these are 10,000 deliveries per second; a broker on one shared CPU gives up
at 20,000."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What the broker needed."""

    cpu: float
    """CPU seconds per second."""
    memory_mb: float
    """More than before the clients came."""


def run_queues(setting: Setting) -> list[Row]:
    """One queue, or one for each client: what 200 and 1,000 clients cost the broker."""
    rows = []
    with setting.publisher() as publisher:
        for clients in CLIENTS:
            ours = _cost(setting, publisher, setting.command, clients)
            peer = _cost(setting, publisher, PROXY, clients)
            for what, unit, figure, beside in (
                (f"broker's CPU, {clients} clients", "CPU", ours.cpu, peer.cpu),
                (f"broker's memory, {clients} clients", "MB", ours.memory_mb, peer.memory_mb),
            ):
                rows.append(Row("queues", what, figure, unit, PEER, beside, AT_MOST, target=1.0))
    return rows


def _cost(setting: Setting, publisher: Publisher, command: str, clients: int) -> Cost:
    before_mb = _memory_mb(setting)
    pid = setting.broker.pid
    with (
        serving(command, setting.broker.amqp_url) as server,
        server.open(Crowd(clients)) as load,
    ):
        publisher.pace(RATE)
        load.measure(WARM_S)
        started_s = cpu_s(pid)
        seen = load.measure(setting.seconds)
        cost = Cost((cpu_s(pid) - started_s) / seen.seconds, _memory_mb(setting) - before_mb)
        publisher.pace(PAUSE)
        setting.say(
            f"{command.split('/')[-1][:24]:24} {clients:5} clients: broker {cost.cpu:.3f} CPU, "
            f"{cost.memory_mb:.1f} MB more; {seen}"
        )
    return cost


def _memory_mb(setting: Setting) -> float:
    """Return what Erlang has allocated; resident memory would depend on the cases before."""
    collect = "[erlang:garbage_collect(P) || P <- erlang:processes()], erlang:memory(total)."
    return float(setting.broker.ctl("eval", collect).split()[-1]) / 1e6
