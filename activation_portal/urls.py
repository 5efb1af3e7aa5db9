"""Addresses of one template's portal."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from activation_portal import confirm_views, views

app_name = "activation_portal"
urlpatterns: list[URLPattern | URLResolver] = [
    path("<str:key>/", views.sign_in, name="sign_in"),
    path("<str:key>/leave/", views.leave, name="leave"),
    path("<str:key>/stopped/", views.stopped, name="stopped"),
    path("<str:key>/address/", views.address, name="address"),
    path("<str:key>/sent/", views.sent, name="sent"),
    path("<str:key>/sent/again/", views.send_again, name="send_again"),
    path("<str:key>/code/", confirm_views.code, name="code"),
    path("<str:key>/confirm/<str:token>/", confirm_views.confirm, name="confirm"),
    path("<str:key>/progress/", views.progress, name="progress"),
    path("<str:key>/consent/", views.consent, name="consent"),
    path("<str:key>/done/", views.done, name="done"),
    path("<str:key>/live/<str:place>/", views.live, name="live"),
]
