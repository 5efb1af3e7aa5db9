"""The one place that makes a client for a partner's connection."""

from __future__ import annotations

from django.conf import settings

from accounts.models import BackendConnection
from common.http import DEFAULT_TIMEOUT, Timeout
from provisioning.models import Job
from webex.client import WebexClient
from webex.payloads import ProvisionRequest


def client_for(connection: BackendConnection, timeout: Timeout = DEFAULT_TIMEOUT) -> WebexClient:
    """A client with the connection's address and token; `timeout` is for each call.

    Raises:
        accounts.secrets.Unsealable: the token cannot be read with the keys configured here.
    """
    return WebexClient(
        connection.api_base_url,
        connection.token,
        timeout=timeout,
        trusted_hosts=settings.BACKEND_HOSTS,
    )


def provision_request(job: Job) -> ProvisionRequest:
    """What a provision or retry job sends: everything was saved when it was accepted."""
    params = job.params
    return ProvisionRequest(
        provisioning_id=job.template.provisioning_id,
        user_id=job.broadworks_id,
        sp_enterprise_id=job.enterprise_id,
        first_name=params["first_name"],
        last_name=params["last_name"],
        package=params["package"],
        email=params["email"],
        primary_phone=params.get("primary_phone", ""),
        mobile_phone=params.get("mobile_phone", ""),
        extension=params.get("extension", ""),
        language=params.get("language", ""),
    )
