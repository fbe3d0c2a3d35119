"""The figures of a running server, for Prometheus."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.registry import Collector

from segdemo.ui.operations.disk import DiskQuota
from segdemo.ui.operations.turns import TurnQueue


class _Figures(Collector):
    def __init__(self, queue: TurnQueue | None, quota: DiskQuota) -> None:
        self._queue = queue
        self._quota = quota

    def collect(self) -> Iterable[Metric]:
        """What waits, runs, was turned away, failed and takes the disk."""
        yield GaugeMetricFamily(
            "segdemo_upload_bytes", "Bytes of visitors' files on disk.", self._quota.used()
        )
        if self._queue is None:
            return
        yield GaugeMetricFamily(
            "segdemo_runs_waiting", "Runs that wait for their turn.", self._queue.waiting
        )
        yield GaugeMetricFamily(
            "segdemo_events_running",
            "Events that are being handled.",
            self._queue.get_active_worker_count(),
        )
        yield CounterMetricFamily(
            "segdemo_runs_refused", "Runs that were turned away.", self._queue.refused
        )
        yield CounterMetricFamily(
            "segdemo_events", "Events that came in.", self._queue.events_recorded
        )


def exposition(queue: TurnQueue | None, quota: DiskQuota) -> tuple[bytes, str]:
    """The figures of now in the text format, and its media type."""
    registry = CollectorRegistry()
    for kind in (ProcessCollector, PlatformCollector, GCCollector):
        kind(registry=registry)
    registry.register(_Figures(queue, quota))
    return generate_latest(registry), CONTENT_TYPE_PLAIN_0_0_4
