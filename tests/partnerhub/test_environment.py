"""A wrong variable is refused at start by its name, with an example and without its secret."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from django.test import Client

from partnerhub import checks
from partnerhub import environment_urls as urls
from partnerhub.environment import Environment
from partnerhub.local.run_checks import ENVIRONMENT, PRODUCTION

SECRET = "hunter2"


@pytest.mark.parametrize("sign", ["/", "?", "#", "@x/"])
@pytest.mark.parametrize(
    ("parse", "url"),
    [
        (urls.email, "smtp+tls://user:{}@mail.example:587"),
        (urls.database, "postgres://user:{}@host:5432/hub"),
        (urls.redis, "redis://:{}@host:6379/0"),
    ],
)
def test_an_unescaped_sign_in_a_password_is_told_without_the_password(parse, url, sign):
    env = Environment({"X_URL": url.format(SECRET + sign + SECRET)})

    env.read("X_URL", None, parse, "example")

    assert "X_URL" in env.problems[0]
    assert "%2F" in env.problems[0]
    assert SECRET not in env.problems[0]


@pytest.mark.parametrize("sign", ["@", "[", "]", ":", "%2F", "%40", "℀"])
def test_a_password_that_can_be_read_in_one_way_only_is_read(sign):
    from urllib.parse import unquote, urlsplit

    password = f"a{sign}b"

    assert urls.email(f"smtp://u:{password}@h")["EMAIL_HOST_PASSWORD"] == unquote(password)
    assert urls.database(f"postgres://u:{password}@h/d")["PASSWORD"] == unquote(password)
    redis = urlsplit(urls.redis(f"redis://:{password}@h/0"))
    assert unquote(redis.password) == unquote(password)


@pytest.mark.parametrize(
    ("scheme", "port", "starttls", "at_once"),
    [("smtp", 25, False, False), ("smtp+tls", 587, True, False), ("smtps", 465, False, True)],
)
def test_the_scheme_of_the_mail_server_says_how_tls_begins(scheme, port, starttls, at_once):
    found = urls.email(f"{scheme}://u:p@h")

    assert (found["EMAIL_PORT"], found["EMAIL_USE_TLS"], found["EMAIL_USE_SSL"]) == (
        port,
        starttls,
        at_once,
    )


@pytest.mark.parametrize("value", ["", "x", "-1", "99999999", "1.5", "٣"])
def test_a_number_that_is_none_is_told(value):
    env = Environment({"A": value, "B": value})

    assert env.integer("A", 3, 0, 10) == env.integer("B", 3, 0, 10) == 3
    assert ["A" in env.problems[0], "B" in env.problems[1]] == [True, True]


@pytest.mark.parametrize("value", ["", "nan", "inf", "-1", "x"])
def test_a_duration_that_is_none_is_told(value):
    env = Environment({"A": value})
    env.number("A", 1.0, 10)

    assert "Example: A=1" in env.problems[0]


@pytest.mark.parametrize("value", ["", "ture", "2"])
def test_an_unknown_word_for_yes_or_no_is_told(value):
    env = Environment({"A": value})
    env.boolean("A")

    assert env.problems


def start(*command, leave_out=(), **more):
    environment = {**ENVIRONMENT, **PRODUCTION, "PATH": os.environ["PATH"], **more}
    for name in leave_out:
        del environment[name]
    return subprocess.run(
        [sys.executable, *(command or ("-c", "import partnerhub.settings"))],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_start_tells_all_that_is_wrong_at_once():
    wrong = {
        "PUBLIC_URL": "https://hub.example/path",
        "EMAIL_URL": f"smtp://u:{SECRET}/x@h:25",
        "TOKEN_KEYS": SECRET,
        "TIME_ZONE": "Mars",
        "PORTAL_PER_IP": "many",
        "ALLOWED_HOSTS": "https://hub.example",
        "DEFAULT_FROM_EMAIL": "Partner Hub",
        "EMAIL_EHLO_NAME": "hub one",
    }

    told = start(**wrong).stderr

    assert [name for name in wrong if f"{name} " not in told] == []
    assert SECRET not in told


@pytest.mark.parametrize("name", ["WEB_WORKERS", "WEB_THREADS"])
def test_the_web_server_tells_a_number_that_is_none(name):
    told = start("-m", "gunicorn", "--check-config", "-c", "gunicorn.conf.py", **{name: "many"})

    assert f"{name} must be a whole number" in told.stderr


def test_https_without_a_word_on_proxies_is_refused():
    assert "TRUSTED_PROXIES is missing" in start(leave_out=["TRUSTED_PROXIES"]).stderr


def test_https_without_proxies_does_not_redirect_to_itself():
    program = "from partnerhub import settings as s; print(s.SECURE_SSL_REDIRECT)"

    assert start("-c", program, TRUSTED_PROXIES="0").stdout.strip() == "False"


def test_what_operations_asks_for_and_is_missing_is_reported(settings):
    settings.EMBEDDED, settings.GIVEN_VARIABLES = False, frozenset()
    settings.PUBLIC_URL, settings.HTTPS = "http://hub.example", False

    told = checks.deployment()

    names = " ".join(message.msg for message in told)
    assert [name for name in checks.NEEDED if name not in names] == []
    assert all(message.id and message.hint for message in told)
    assert "https" in names


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_a_probe_by_an_address_of_its_own_is_answered(path, settings):
    settings.METRICS_TOKEN = "token"
    headers = {"host": "10.1.2.3:8000", "authorization": "Bearer token"}

    assert Client().get(path, headers=headers).status_code == 200
    assert Client().get("/login/", headers={"host": "10.1.2.3:8000"}).status_code == 400
