"""All addresses of the product (DESIGN section 6)."""

from __future__ import annotations

from allauth.account import views as allauth
from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path
from django.views.generic import RedirectView

from accounts.access import public
from accounts.language import choose_language
from accounts.lost_forms import sent_again
from partnerhub import health

handler400 = "common.errors.bad_request"
handler403 = "common.errors.permission_denied"
handler404 = "common.errors.not_found"
handler500 = "common.errors.server_error"

sign_in = public("the way in")
reset = public("whoever forgot the password is not signed in")

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", public("liveness for the platform")(health.healthz), name="healthz"),
    path("readyz", public("readiness for the platform")(health.readyz), name="readyz"),
    path("metrics", public("guarded by its own token")(health.metrics), name="metrics"),
    path("login/", sign_in(allauth.login), name="account_login"),
    path("again/", sent_again, name="sent_again"),
    path("logout/", public("signing out twice is harmless")(allauth.logout), name="account_logout"),
    path(
        "inactive/",
        public("says that the account is closed")(allauth.account_inactive),
        name="account_inactive",
    ),
    path("signup/", public("says that sign-up is closed")(allauth.signup), name="account_signup"),
    path(
        "password/change/",
        public("allauth asks for sign-in itself")(allauth.password_change),
        name="account_change_password",
    ),
    path(
        "password/set/",
        # allauth leads here who is signed in without a password of their own.
        reset(RedirectView.as_view(pattern_name="account_reset_password")),
        name="account_set_password",
    ),
    path("password/reset/", reset(allauth.password_reset), name="account_reset_password"),
    path(
        "password/reset/done/",
        reset(allauth.password_reset_done),
        name="account_reset_password_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        reset(allauth.password_reset_from_key),
        name="account_reset_password_from_key",
    ),
    path(
        "password/reset/key/done/",
        reset(allauth.password_reset_from_key_done),
        name="account_reset_password_from_key_done",
    ),
    path(
        "language/",
        public("language of pages before sign-in")(choose_language),
        name="set_language",
    ),
    path("activate/", include("activation_portal.urls")),
    path("admin/", admin.site.urls),
    path("", include("userstatus.urls")),
]

if settings.EMBEDDED:
    urlpatterns.insert(0, path("dev/", include("activation_portal.dev_urls")))
