"""Liveness, readiness and metrics."""

from collections.abc import Callable

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST

from bioccia.metrics import exposition

WORKER_KEY = f"bioccia:{settings.REGION_SLUG}:worker-seen"
WORKER_SILENT_SECONDS = 60


def alive(_request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return HttpResponse("ok", content_type="text/plain")


def ready(_request: HttpRequest) -> JsonResponse:
    """Database, broker and worker, each with a word; 503 when one is missing."""
    parts = {"database": _say(_database), "broker": _say(_broker), "worker": _say(_worker)}
    return JsonResponse(parts, status=200 if set(parts.values()) == {"ok"} else 503)


def metrics(_request: HttpRequest) -> HttpResponse:
    """Prometheus' text format."""
    return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


def note_worker(moment: float) -> None:
    """A worker played a task at the moment (seconds since the epoch)."""
    with redis.Redis.from_url(settings.REDIS_URL) as broker:
        broker.set(WORKER_KEY, moment, ex=WORKER_SILENT_SECONDS)


def _say(check: Callable[[], bool]) -> str:
    try:
        return "ok" if check() else "silent"
    except (DatabaseError, redis.RedisError, OSError):
        return "unreachable"


def _database() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT postgis_lib_version()")
        return cursor.fetchone() is not None


def _broker() -> bool:
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2) as broker:
        return bool(broker.ping())


def _worker() -> bool:
    with redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2) as broker:
        seen = broker.get(WORKER_KEY)
    return seen is not None and timezone.now().timestamp() - float(seen) < WORKER_SILENT_SECONDS
