"""Django admin as an application of ours: its site, and what other packages may not put in it."""

from __future__ import annotations

from django.contrib.admin.apps import AdminConfig


class OperationsAdminConfig(AdminConfig):
    """Puts our site in the place of Django's default one."""

    default_site = "partnerhub.admin_site.OperationsSite"

    def ready(self) -> None:
        """Find all admin modules, then take out what this product has no use for."""
        super().ready()
        from allauth.account.models import EmailAddress
        from django.contrib import admin
        from django.contrib.auth.models import Group

        for model in (EmailAddress, Group):
            if admin.site.is_registered(model):
                admin.site.unregister(model)
