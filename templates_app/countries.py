"""Countries and mail languages that a template may name.

Webex takes ISO 3166-1 and ISO 639-1 codes (POST `language` is `{ISO-639-1}` or
`{ISO-639-1}_{ISO-3166}`). A choice of ours, in reading order of English: the wizard's own list was
not to be found. A template that holds another code keeps it.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

COUNTRIES = [
    ("AU", _("Australia")),
    ("AT", _("Austria")),
    ("BE", _("Belgium")),
    ("BR", _("Brazil")),
    ("BG", _("Bulgaria")),
    ("CA", _("Canada")),
    ("HR", _("Croatia")),
    ("CY", _("Cyprus")),
    ("CZ", _("Czechia")),
    ("DK", _("Denmark")),
    ("EE", _("Estonia")),
    ("FO", _("Faroe Islands")),
    ("FI", _("Finland")),
    ("FR", _("France")),
    ("DE", _("Germany")),
    ("GR", _("Greece")),
    ("GL", _("Greenland")),
    ("HU", _("Hungary")),
    ("IS", _("Iceland")),
    ("IN", _("India")),
    ("IE", _("Ireland")),
    ("IL", _("Israel")),
    ("IT", _("Italy")),
    ("JP", _("Japan")),
    ("LV", _("Latvia")),
    ("LT", _("Lithuania")),
    ("LU", _("Luxembourg")),
    ("MT", _("Malta")),
    ("MX", _("Mexico")),
    ("NL", _("Netherlands")),
    ("NZ", _("New Zealand")),
    ("NO", _("Norway")),
    ("PL", _("Poland")),
    ("PT", _("Portugal")),
    ("RO", _("Romania")),
    ("SG", _("Singapore")),
    ("SK", _("Slovakia")),
    ("SI", _("Slovenia")),
    ("ZA", _("South Africa")),
    ("ES", _("Spain")),
    ("SE", _("Sweden")),
    ("CH", _("Switzerland")),
    ("AE", _("United Arab Emirates")),
    ("GB", _("United Kingdom")),
    ("US", _("United States")),
]

LANGUAGES = [
    ("da", pgettext_lazy("mail language", "Danish")),
    ("nl", pgettext_lazy("mail language", "Dutch")),
    ("en", pgettext_lazy("mail language", "English")),
    ("fi", pgettext_lazy("mail language", "Finnish")),
    ("fr", pgettext_lazy("mail language", "French")),
    ("de", pgettext_lazy("mail language", "German")),
    ("it", pgettext_lazy("mail language", "Italian")),
    ("no", pgettext_lazy("mail language", "Norwegian")),
    ("pl", pgettext_lazy("mail language", "Polish")),
    ("pt", pgettext_lazy("mail language", "Portuguese")),
    ("es", pgettext_lazy("mail language", "Spanish")),
    ("sv", pgettext_lazy("mail language", "Swedish")),
]


def country_name(code: str) -> str:
    """The country in the reader's language; an unknown code verbatim."""
    return str(dict(COUNTRIES).get(code, code))


def language_name(code: str) -> str:
    """The mail language in the reader's language; an unknown code verbatim."""
    return str(dict(LANGUAGES).get(code.split("_", 1)[0], code))
