"""Addresses of the simulated backend. Every API address leads through `pipeline.serve`."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import path, re_path

from simulator import consent, control, log, pipeline
from simulator.errors import ApiError

urlpatterns = [
    path("v1/broadworks/subscribers", pipeline.serve, {"resource": "subscribers"}),
    path("v1/broadworks/subscribers/validate", pipeline.serve, {"resource": "validate"}),
    path("v1/broadworks/subscribers/<subscriber_id>", pipeline.serve, {"resource": "subscriber"}),
    path("v1/broadworks/enterprises", pipeline.serve, {"resource": "enterprises"}),
    path(
        "v1/subscribers/<subscriber_id>/emails/consentMove",
        pipeline.serve,
        {"resource": "consent_move"},
    ),
    path(
        "com.broadsoft.xsi-actions/v2.0/user/<path:user_id>/profile",
        pipeline.serve,
        {"resource": "profile"},
    ),
    re_path("^v1(?:/.*)?$", pipeline.serve, {"resource": "unknown"}),
    re_path("^com.broadsoft.xsi-actions(?:/.*)?$", pipeline.serve, {"resource": "unknown"}),
    path("consent/<uuid:token>", consent.page),
    path("healthz", control.health),
    path("_control/broadworks/<str:name>", control.serve),
    path("_control/subscribers/<subscriber_id>", control.serve, {"name": "subscriber"}),
    path("_control/scenarios/<scenario>", control.serve, {"name": "scenario"}),
    path("_control/faults/<int:fault_id>", control.serve, {"name": "fault"}),
    path("_control/<str:name>", control.serve),
]


def handler400(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django itself refuses, such as an impossible Host, in the API's form."""
    return _refusal(400)


def handler404(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer an unknown address in the API's form, whatever it was meant to be."""
    return _refusal(404)


def handler500(request: HttpRequest) -> HttpResponse:
    """Answer a fault of our own in the API's form; the log has the trace."""
    return _refusal(500)


def _refusal(status: int) -> HttpResponse:
    tracking_id = log.new_tracking_id()
    response = ApiError(status).response(tracking_id)
    response["TrackingID"] = tracking_id
    response["Content-Length"] = str(len(response.content))
    return response
