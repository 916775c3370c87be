"""What the routes work with, on an embedded broker, for tests that need no server."""

from pulse_events.access.limits import Admission, Limits
from pulse_events.brokers.memory import Memory
from pulse_events.hub.hub import Hub
from pulse_events.hub.hubs import Exact, Hubs
from pulse_events.process.peers import Alone
from pulse_events.web.page import Catalogue
from pulse_events.web.services import HistoryReach, Services
from pulse_events.web.status import BrokerStatus
from pulse_events.web.streams import Streams
from pulse_events.web.tokens import Tokens

PING_INTERVAL_S = 20.0


def make_services() -> Services:
    """Return the services of a process with an embedded broker, which nobody runs."""
    memory, alone = Memory(), Alone(lambda url: None)
    shared = Hub(memory, lambda flush: flush())
    hubs = Hubs(shared, lambda exchange: False, lambda: Exact(shared, list))
    admission = Admission(Limits(streams=1))
    return Services(
        hub=hubs,
        admission=admission,
        streams=Streams(
            hubs,
            admission,
            BrokerStatus(lambda: memory.health, lambda: 0),
            ping_interval_s=PING_INTERVAL_S,
            unsent_limit_bytes=1 << 20,
        ),
        tokens=Tokens(alone),
        max_bindings=100,
        ping_interval_s=PING_INTERVAL_S,
        compression=True,
        history="off",
        health=lambda: memory.health,
        total=lambda: alone.total(hubs.statistics()),
        catalogue=Catalogue(),
        broker=memory.name,
        demo=False,
        reach=HistoryReach(),
        publish=memory.publish,
    )
