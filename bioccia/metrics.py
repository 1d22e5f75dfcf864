"""What Prometheus reads: the time of requests, and what apps count in the database."""

import os
import time
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.module_loading import import_string
from prometheus_client import REGISTRY, CollectorRegistry, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

REQUEST_SECONDS = Histogram(
    "bioccia_request_seconds",
    "Time to answer, by the name of the address and the status.",
    ["view", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)


class RequestMetricsMiddleware:
    """Measure every answer. Addresses are counted by their name: their number stays bounded."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Time the rest."""
        started = time.perf_counter()
        response = self.get_response(request)
        view = request.resolver_match.view_name if request.resolver_match else "none"
        REQUEST_SECONDS.labels(view, response.status_code).observe(time.perf_counter() - started)
        return response


def exposition() -> bytes:
    """Everything in Prometheus' text format, for all processes of the web server together."""
    requests = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        requests = CollectorRegistry()
        MultiProcessCollector(requests)
    # What apps count in the database at each reading is the same from every process.
    rows = CollectorRegistry()
    for name in settings.PROMETHEUS_COLLECTORS:
        rows.register(import_string(name)())
    return generate_latest(requests) + generate_latest(rows)
