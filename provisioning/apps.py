"""Subscribers, activations, jobs: the domain and its engine."""

from __future__ import annotations

from django.apps import AppConfig


class ProvisioningConfig(AppConfig):
    name = "provisioning"
