"""Settings of the simulated backend: a project of its own, read from the environment."""

from __future__ import annotations

import os

import environ
from django.core.exceptions import ImproperlyConfigured

SECRET_KEY = os.environ.get("SIMULATOR_SECRET_KEY") or "simulator-signs-nothing"
DEBUG = False
ALLOWED_HOSTS = ["*"]  # a test double on a loopback or a private network: any name leads here
ROOT_URLCONF = "simulator.urls"
WSGI_APPLICATION = "simulator.wsgi.application"
INSTALLED_APPS = ["simulator"]
# No session, no cookie, hence no CSRF middleware; the log and the faults live in `pipeline`.
MIDDLEWARE: list[str] = []
APPEND_SLASH = False
DATABASE_URL = os.environ.get("SIMULATOR_DATABASE_URL", "postgres://postgres@127.0.0.1/simulator")
DATABASES = {
    "default": environ.Env.db_url_config(DATABASE_URL) | {"CONN_MAX_AGE": None},
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
DATA_UPLOAD_MAX_MEMORY_SIZE = 512 * 1024 * 1024  # a world document of a load test is large
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    # Refusals are this program's daily work and stand in the request log.
    "loggers": {
        "django.request": {"level": "ERROR"},
        "django.security": {"level": "CRITICAL"},
    },
}

#: Without a token the control addresses do not exist.
CONTROL_TOKEN = os.environ.get("SIMULATOR_CONTROL_TOKEN", "")
#: Used in `Link` headers and consent links; empty: taken from each request.
PUBLIC_URL = os.environ.get("SIMULATOR_PUBLIC_URL", "").rstrip("/")
#: Factor on every asynchronous delay; 0 means: done at the next read.
try:
    TIME_SCALE = float(os.environ.get("SIMULATOR_TIME_SCALE", "1"))
except ValueError:
    raise ImproperlyConfigured(
        "SIMULATOR_TIME_SCALE must be a number. Example: SIMULATOR_TIME_SCALE=1"
    ) from None
