"""Alive, ready, counted: the addresses that platforms and monitors ask."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import redis
from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from redis.backoff import NoBackoff
from redis.retry import Retry

from accounts.models import BackendConnection, Health
from common import clock
from provisioning import selectors
from userstatus.connection_texts import STOPPED_AFTER

Report = dict[str, Any]


@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Nothing else is asked, nothing else is told."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when requests can be served: only the database and its migrations can fail it.

    Redis, worker, beat and each connection are told as ok or degraded: their trouble delays
    work, and the pages still serve.
    """
    report: Report = {"database": "ok", "migrations": "ok"}
    try:
        if _migrated():
            report |= _parts()
        else:
            report["migrations"] = "missing"
    except Error:
        report["database"] = "down"
    ready = report["database"] == "ok" and report["migrations"] == "ok"
    return JsonResponse({"ready": ready} | report, status=200 if ready else 503)


_seen_migrated = False


def _migrated() -> bool:
    """Looked up until it is so: migrations are not undone under a running process."""
    global _seen_migrated
    if not _seen_migrated:
        executor = MigrationExecutor(connection)
        _seen_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    return _seen_migrated


def _parts() -> Report:
    now = clock.now()
    beats = selectors.heartbeats()
    old = timedelta(seconds=60)
    parts: Report = {
        name: "ok" if name in beats and now - beats[name] < old else "degraded"
        for name in ("worker", "beat")
    }
    parts["redis"] = "ok" if _redis_answers() else "degraded"
    parts["connections"] = {
        str(row.partner.uuid): _connection(row, now) for row in selectors.connections()
    }
    return parts


def _connection(row: BackendConnection, now: datetime) -> Report:
    """The age of the sync is that of the last complete one; too old is trouble by itself."""
    age = int((now - row.synced_at).total_seconds()) if row.synced_at else None
    is_late = age is None or age > STOPPED_AFTER.total_seconds()
    state = "ok" if row.health == Health.OK and not is_late else "degraded"
    return {"state": state, "synced_seconds_ago": age}


def _redis_answers() -> bool:
    limits = {"socket_timeout": 0.3, "socket_connect_timeout": 0.3}
    try:
        with redis.Redis.from_url(
            settings.REDIS_URL, retry=Retry(NoBackoff(), 0), **limits
        ) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, behind METRICS_TOKEN; without a token the page does not exist."""
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not settings.METRICS_TOKEN or not secrets.compare_digest(
        given.encode(), settings.METRICS_TOKEN.encode()
    ):
        raise Http404
    return HttpResponse(generate_latest(_registry()), content_type=CONTENT_TYPE_LATEST)


def _registry() -> CollectorRegistry:
    """Gauges read from the database, so that every web process tells the same."""
    registry = CollectorRegistry()
    jobs = Gauge("partnerhub_jobs", "Jobs by state", ["state"], registry=registry)
    for state, count in selectors.jobs_by_state().items():
        jobs.labels(state=state).set(count)
    users = Gauge("partnerhub_subscribers", "Subscribers by status", ["status"], registry=registry)
    for status, count in selectors.subscribers_by_status().items():
        users.labels(status=status).set(count)
    oldest = Gauge(
        "partnerhub_oldest_due_job_seconds", "Age of the oldest due job", registry=registry
    )
    oldest.set(selectors.oldest_due_seconds(clock.now()))
    return registry


class HealthMiddleware:
    """Answers probes before the host is checked: they come by addresses of pods."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        views = {"/healthz": healthz, "/readyz": readyz}
        if request.path == "/metrics" and settings.METRICS_TOKEN:
            views["/metrics"] = metrics
        return views.get(request.path, self.get_response)(request)
