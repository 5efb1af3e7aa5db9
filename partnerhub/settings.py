"""Settings of the product, read from the environment.

Every value that differs between machines comes from an environment variable and is named in
``docker-compose.yml``; a production start without its secrets fails here, loudly.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from common import logs
from partnerhub import database
from partnerhub import environment_urls as urls
from partnerhub.environment import Environment

BASE_DIR = Path(__file__).resolve().parent.parent
env = Environment(os.environ)
#: Which variables were given, for the checks of `manage.py check --deploy`.
GIVEN_VARIABLES = env.given

# ---- What kind of process is this? ----

#: Started by `make run` on one machine, with servers of its own and demo data.
EMBEDDED = env.boolean("EMBEDDED")
#: May demo data be put into a database that is not the embedded one?
DEMO = env.boolean("DEMO")
#: Where the seed writes what a visitor of the demo may know; empty = nowhere.
DEMO_FILE = env.text("DEMO_FILE", default="")
DEMO_PASSWORD = env.text("DEMO_PASSWORD", default="")
DEBUG = env.boolean("DEBUG")

# ---- Secrets ----

SECRET_KEY = env.text("SECRET_KEY", default="")
if not SECRET_KEY:
    env.wrong("SECRET_KEY", "is missing (`make run` makes one by itself)", "<50 random characters>")
SECRET_KEY_FALLBACKS = env.words("SECRET_KEY_FALLBACKS", default=[])
#: Keys that encrypt backend tokens, newest first: "<key id>:<base64 of 32 bytes>", comma between.
TOKEN_KEYS = env.token_keys("TOKEN_KEYS")
#: Bearer token for /metrics; without one the page does not exist.
METRICS_TOKEN = env.text("METRICS_TOKEN", default="")

# ---- Where we are reached ----

#: Absolute links in mails and activation links start with this, never with the Host header.
PUBLIC_URL = env.read("PUBLIC_URL", "http://127.0.0.1:8000", urls.origin, "https://hub.example")
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", default=[PUBLIC_URL])
#: How many proxies in front of us append to X-Forwarded-For; 0 = the header is ignored.
TRUSTED_PROXIES = env.integer("TRUSTED_PROXIES", 0, 0, 20)
HTTPS = PUBLIC_URL.startswith("https://")
if HTTPS and not EMBEDDED and "TRUSTED_PROXIES" not in env.values:
    _why = "is missing, and PUBLIC_URL is https: how many proxies are in front of us? 0 = none"
    env.wrong("TRUSTED_PROXIES", _why, "1")
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
#: Without a proxy that we believe we cannot see whether a request came by https.
SECURE_SSL_REDIRECT = HTTPS and bool(TRUSTED_PROXIES)
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
SESSION_COOKIE_AGE = 12 * 3600
SESSION_ENGINE = "accounts.sessions"
CSRF_COOKIE_SECURE = HTTPS
CSRF_COOKIE_HTTPONLY = True
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
CSRF_FAILURE_VIEW = "common.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"

# ---- Applications ----

INSTALLED_APPS = [
    "partnerhub",
    "userstatus",
    "activation_portal",
    "provisioning",
    "templates_app",
    "accounts",
    "common",
    "allauth",
    "allauth.account",
    "csp",
    "django_htmx",
    "django_tables2",
    "partnerhub.admin_config.OperationsAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
]

MIDDLEWARE = [
    "common.requests.RequestMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "partnerhub.health.HealthMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "accounts.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "common.requests.CrossSiteMiddleware",
]

ROOT_URLCONF = "partnerhub.urls"
WSGI_APPLICATION = "partnerhub.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "partnerhub" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "common.requests.request_context",
                "userstatus.context.console",
            ],
            "builtins": [
                "django.templatetags.i18n",
                "common.templatetags.look",
                "partnerhub.templatetags.rehearsal",
            ],
        },
    }
]
FORM_RENDERER = "common.forms.Renderer"
#: As Django 6 does: an address typed without a scheme is https.
FORMS_URLFIELD_ASSUME_HTTPS = True

# ---- Data ----

_database: dict[str, Any] = env.optional(
    "DATABASE_URL", urls.database(urls.LOCAL_DATABASE), urls.database, urls.EXAMPLES["postgres"]
)
#: Seconds after which PostgreSQL breaks off a statement, or the wait for a lock; 0 = never, for
#: commands. The web and the workers are started with limits of their own (S26).
STATEMENT_SECONDS = env.integer("STATEMENT_SECONDS", 0, 0, 3600)
LOCK_SECONDS = env.integer("LOCK_SECONDS", 0, 0, 3600)
DATABASES = database.settings(_database, STATEMENT_SECONDS, LOCK_SECONDS)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
#: Sessions, cache and throttles live in PostgreSQL: Redis may be down.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}
EXPORTS_DIR = Path(env.path("EXPORTS_DIR", default=str(BASE_DIR / ".run" / "exports")))
DATA_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024

# ---- Background work ----

REDIS_URL = env.optional("REDIS_URL", urls.LOCAL_REDIS, urls.redis, urls.EXAMPLES["redis"])

#: One factor on every duration of the engine, so that tests need not wait.
TIME_SCALE = env.number("TIME_SCALE", 1.0, 1000)
#: Seconds in which a delete can be taken back, before anything is sent.
DELETE_GRACE_SECONDS = env.number("DELETE_GRACE_SECONDS", 10.0, 86_400)
#: Seconds between two incremental syncs of a connection.
SYNC_SECONDS = env.integer("SYNC_SECONDS", 30, 1, 86_400)

# ---- Backend ----

#: Hosts that a connection may point to besides public https ones: the simulator's, mostly.
BACKEND_HOSTS = env.hosts("BACKEND_HOSTS", default=[])
SIMULATOR_URL = env.optional("SIMULATOR_URL", "", urls.base_url, "http://simulator:8001")
SIMULATOR_CONTROL_TOKEN = env.text("SIMULATOR_CONTROL_TOKEN", default="")

# ---- Portal ----

#: Wrong passwords passed on to BroadWorks per user ID between successes or per 24 hours.
#: Must stay below BroadWorks's own lock-out number.
PORTAL_WRONG_PASSWORDS = env.integer("PORTAL_WRONG_PASSWORDS", 2, 1, 100)
#: Limits as "<count>/<seconds>".
PORTAL_PER_IP = env.limit("PORTAL_PER_IP", default="20/900")
PORTAL_PER_LINK = env.limit("PORTAL_PER_LINK", default="100/3600")
MAIL_PER_ADDRESS = env.limit("MAIL_PER_ADDRESS", default="3/3600")
MAIL_PER_ADDRESS_DAY = env.limit("MAIL_PER_ADDRESS_DAY", default="10/86400")
MAIL_PER_LINK = env.limit("MAIL_PER_LINK", default="200/3600")

# ---- Mail ----

#: smtp+tls:// is STARTTLS, smtps:// TLS at once, smtp:// plain;
#: without it mails go to /dev/mailbox/ when embedded.
EMAIL_URL = env.text("EMAIL_URL")
_mail: dict[str, Any] = env.optional("EMAIL_URL", {}, urls.email, urls.EXAMPLES["smtp"])
vars().update(_mail)
if not EMAIL_URL and EMBEDDED:
    EMAIL_BACKEND = "provisioning.activation.dev_mailbox.MailboxBackend"
DEFAULT_FROM_EMAIL = env.sender("DEFAULT_FROM_EMAIL", default="no-reply@localhost")
#: Seconds for one step (for all: smtp.TOTAL_SECONDS), and the name to greet the mail server with.
EMAIL_TIMEOUT = 10
EMAIL_EHLO_NAME = env.greeting("EMAIL_EHLO_NAME")

# ---- Sign-in ----

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.sign_in.Backend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
PASSWORD_MAILS = "provisioning.activation.password_mails.queue"  # noqa: S105
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "accounts.password_links.TokenGenerator"  # noqa: S105
PASSWORD_RESET_TIMEOUT = 7 * 24 * 3600
ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_REDIRECT_URL = "/login/"
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_FORMS = {
    "login": "accounts.forms.SignInForm",
    "reset_password": "accounts.forms.ForgottenPasswordForm",
    "reset_password_from_key": "accounts.forms.NewPasswordForm",
    "change_password": "accounts.forms.ChangePasswordForm",
}
#: As shipped five wrong tries lock an account for everybody: count per address only.
#: The rule per account and address is in accounts.adapter.
ACCOUNT_RATE_LIMITS = {
    "login": "60/m/ip",
    "login_failed": "40/15m/ip",
    "reset_password": "10/m/ip,3/15m/key",
    "reset_password_from_key": "20/m/ip",
    "change_password": "10/m/user",
    "signup": "1/d/ip",
}

# ---- Pages ----

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("da", _("Danish"))]
LANGUAGE_COOKIE_NAME = "language"
LANGUAGE_COOKIE_SECURE = HTTPS
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = env.time_zone("TIME_ZONE", default="Europe/Copenhagen")
USE_THOUSAND_SEPARATOR = True
FORMAT_MODULE_PATH = ["partnerhub.formats"]

STATIC_URL = "/static/"
STATIC_ROOT = Path(env.path("STATIC_ROOT", default=str(BASE_DIR / "staticfiles")))
STATICFILES_DIRS = [BASE_DIR / "static"]
STATICFILES_BACKEND = env.text(
    "STATICFILES_BACKEND", default="whitenoise.storage.CompressedManifestStaticFilesStorage"
)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": STATICFILES_BACKEND},
}

_own = ["script-src", "style-src", "font-src", "connect-src", "form-action", "manifest-src"]
_never = ["default-src", "frame-ancestors", "base-uri", "object-src"]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {key: [SELF] for key in _own}
    | {key: [NONE] for key in _never}
    | {"img-src": [SELF, "data:"]}
}

LOGGING = logs.config(level=env.log_level("LOG_LEVEL", default="INFO"))

env.refuse_wrong()
