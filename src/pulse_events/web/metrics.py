"""The hub's counts in Prometheus' format, read when asked for: the hot path pays nothing."""

from collections.abc import Iterator

from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from pulse_events.hub import Statistics

_GAUGES = {
    "clients": "Open streams",
    "audiences": "Distinct sets of bindings among the streams",
    "bindings": "Bindings at the broker",
}
_COUNTERS = {
    "messages_in": "Messages that the broker delivered",
    "messages_out": "Messages written to streams, one per stream",
    "bytes_out": "Bytes of messages written to streams",
    "slow_clients_closed": "Streams closed because their client did not read",
    "unrouted": "Messages that matched no stream's bindings",
    "losses": "Times that the broker lost messages and every client was told",
}


class _HubCollector(Collector):
    def __init__(self, statistics: Statistics, *, connected: bool) -> None:
        self._counts = statistics._asdict()
        self._connected = connected

    def collect(self) -> Iterator[Metric]:
        for name, text in _GAUGES.items():
            yield GaugeMetricFamily(f"pulse_events_{name}", text, self._counts[name])
        for name, text in _COUNTERS.items():
            yield CounterMetricFamily(f"pulse_events_{name}", text, self._counts[name])
        text = "1 while the broker can be used"
        yield GaugeMetricFamily("pulse_events_broker_connected", text, self._connected)


def exposition(statistics: Statistics, *, connected: bool) -> tuple[bytes, str]:
    """Return the metrics and their content type."""
    registry = CollectorRegistry()
    registry.register(_HubCollector(statistics, connected=connected))
    for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
        registry.register(collector)
    return generate_latest(registry), CONTENT_TYPE_LATEST
