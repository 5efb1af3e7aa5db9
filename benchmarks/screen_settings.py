"""The product's settings; only the addresses are the peers' beside our own."""

from __future__ import annotations

from partnerhub.settings import *  # noqa: F403

ROOT_URLCONF = "benchmarks.screen_peers"
