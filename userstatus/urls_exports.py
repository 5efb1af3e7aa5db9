"""Addresses of exports."""

from __future__ import annotations

from django.urls import URLPattern, path

from userstatus import export_pages

urlpatterns: list[URLPattern] = [
    path("users/export/", export_pages.start_all, name="export_all_start"),
    path("templates/<uuid:uuid>/users/export/", export_pages.start, name="export_start"),
    path("exports/<uuid:uuid>/", export_pages.export, name="export"),
    path("exports/<uuid:uuid>/cancel/", export_pages.cancel, name="export_cancel"),
    path("exports/<uuid:uuid>/download/", export_pages.download, name="export_download"),
]
