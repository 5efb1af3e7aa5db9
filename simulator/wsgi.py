"""The simulated backend as a WSGI application."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

from simulator.answers import Watching


def make_application() -> Watching:
    """Return the application with its addresses loaded, so that the first request is quick."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "simulator.settings"
    application = get_wsgi_application()
    _ = get_resolver().url_patterns
    return Watching(application)


application = make_application()
