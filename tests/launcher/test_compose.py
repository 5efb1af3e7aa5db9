"""The compose file names only what exists; its shape is checked by `make check`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from partnerhub.local.processes import QUEUES, Place, Plan

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]


def names_read_by_the_product() -> set[str]:
    files = [*ROOT.glob("partnerhub/settings*.py"), *ROOT.glob("simulator/settings.py")]
    text = "".join(path.read_text() for path in [*files, ROOT / "gunicorn.conf.py"])
    return set(re.findall(r"[\"']([A-Z][A-Z0-9_]{2,})[\"']", text))


@pytest.mark.parametrize("name", SERVICES)
def test_services_wait_for_services_that_exist(name):
    wanted = SERVICES[name].get("depends_on", {})

    assert set(wanted) <= set(SERVICES)


@pytest.mark.parametrize("name", SERVICES)
def test_who_waits_for_health_waits_for_a_service_that_tells_it(name):
    for other, how in SERVICES[name].get("depends_on", {}).items():
        if how["condition"] == "service_healthy":
            assert "healthcheck" in SERVICES[other]


@pytest.mark.parametrize("name", SERVICES)
def test_only_declared_volumes_are_mounted(name):
    mounted = {volume.split(":")[0] for volume in SERVICES[name].get("volumes", [])}

    assert mounted <= set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", ["web", "worker", "background", "beat", "prepare", "simulator"])
def test_every_variable_given_is_read_by_someone(name):
    assert set(SERVICES[name]["environment"]) <= names_read_by_the_product()


def test_web_and_whoever_writes_exports_share_them():
    assert SERVICES["web"]["volumes"] == SERVICES["background"]["volumes"]


def queues(command):
    return set(command[command.index("-Q") + 1].split(","))


@pytest.mark.parametrize("name", QUEUES)
def test_both_workers_listen_to_the_same_queues_wherever_they_run(folder, name):
    place = Place(run=folder, port=8000, simulator_port=8001, given={})
    worker = next(spec for spec in Plan(place).everything() if spec.name == name)

    assert queues(worker.command) == queues(SERVICES[name]["command"])


def test_every_queue_that_is_written_to_has_a_worker():
    from partnerhub import celery_config
    from provisioning.jobs.outbox import TROUBLED_QUEUE

    schedule = celery_config.beat_schedule.values()
    ticks = {entry.get("options", {}).get("queue") for entry in schedule}
    routes = {route["queue"] for route in celery_config.task_routes.values()}
    written = (ticks | routes | {celery_config.task_default_queue, TROUBLED_QUEUE}) - {None}

    assert written == {queue for name in QUEUES for queue in queues(SERVICES[name]["command"])}


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "TOKEN_KEYS", "POSTGRES_PASSWORD", "REDIS_PASSWORD", "PUBLIC_URL"]
)
def test_a_missing_secret_stops_the_start_with_words(name):
    text = (ROOT / "docker-compose.yml").read_text()

    uses = re.findall(r"\$\{" + name + r"(:\?[^}]+)?\}", text)
    assert uses
    assert all(uses)
