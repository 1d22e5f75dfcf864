"""What Prometheus reads about runs, from the database."""

from collections.abc import Iterator

from django.db.models import Count, Max
from django.utils import timezone
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from ml.models import Run
from ml.states import RunState


class RunCollector(Collector):
    """Runs by state, and the silence of the one that works."""

    def collect(self) -> Iterator[Metric]:
        """Two questions at each reading."""
        counts = dict(Run.objects.order_by().values_list("state").annotate(Count("pk")))
        runs = GaugeMetricFamily("bioccia_runs", "Runs by state.", labels=["state"])
        for state in RunState.values:
            runs.add_metric([state], counts.get(state, 0))
        yield runs
        seen = Run.objects.filter(state=RunState.RUNNING).aggregate(last=Max("heartbeat_at"))["last"]
        silence = (timezone.now() - seen).total_seconds() if seen else 0.0
        yield GaugeMetricFamily(
            "bioccia_run_silence_seconds", "Since the last sign of life of the run that works.", value=silence
        )
