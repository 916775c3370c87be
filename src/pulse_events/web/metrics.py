"""The hub's counts in Prometheus' format, read when asked for: the hot path pays nothing."""

from collections.abc import Iterator

from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR, CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from pulse_events.hub.statistics import GAUGES, TEXTS, Statistics


class _HubCollector(Collector):
    def __init__(self, statistics: Statistics, *, connected: bool) -> None:
        self._counts = statistics._asdict()
        self._connected = connected

    def collect(self) -> Iterator[Metric]:
        for name, count in self._counts.items():
            family = GaugeMetricFamily if name in GAUGES else CounterMetricFamily
            yield family(f"pulse_events_{name}", TEXTS[name], count)
        text = "1 while the broker can be used"
        yield GaugeMetricFamily("pulse_events_broker_connected", text, self._connected)


def exposition(statistics: Statistics, *, connected: bool) -> tuple[bytes, str]:
    """Return the metrics and their content type."""
    registry = CollectorRegistry()
    registry.register(_HubCollector(statistics, connected=connected))
    for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
        registry.register(collector)
    return generate_latest(registry), CONTENT_TYPE_LATEST
