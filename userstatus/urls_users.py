"""Addresses of User status, one user and row actions."""

from __future__ import annotations

from django.urls import URLPattern, path

from userstatus import (
    action_views,
    bulk_views,
    enterprises,
    list_views,
    live_views,
    selected,
    user_page,
)
from userstatus.actions import ACTIONS, BULK_ACTIONS

urlpatterns: list[URLPattern] = [
    path("templates/<uuid:uuid>/users/", list_views.users, name="users"),
    path("templates/<uuid:uuid>/users/live/", live_views.live, name="users_live"),
    path("templates/<uuid:uuid>/users/enterprises/", enterprises.enterprises, name="enterprises"),
    path("templates/<uuid:uuid>/users/selected/", selected.selected, name="selected"),
    path("users/", list_views.users, name="all_users"),
    path("users/enterprises/", enterprises.enterprises, name="all_enterprises"),
    path("users/selected/", selected.selected, name="all_selected"),
    path("users/live/", live_views.live, name="all_users_live"),
    path("users/<uuid:uuid>/", user_page.user, name="user"),
    path("users/<uuid:uuid>/menu/", action_views.user_menu, name="user_menu"),
    *[
        path(f"users/<uuid:uuid>/{action.name}/", action_views.act(action), name=action.name)
        for action in ACTIONS
        if action.form
    ],
    *[
        path(
            f"templates/<uuid:uuid>/users/bulk/{action.name}/",
            bulk_views.bulk(action),
            name=f"bulk_{action.name}",
        )
        for action in BULK_ACTIONS
    ],
]
