"""People, partners, rights and the audit log."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Partners and people")

    def ready(self) -> None:
        # Django's own signals are the only place that sees every sign-in, whoever made the form.
        from accounts import sign_in_log

        sign_in_log.connect()
