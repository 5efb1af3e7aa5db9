"""Titles of the simulator's scenarios and kinds of faults, in the reader's language.

The simulator tells them in English. Longer words of it, as stories and options, stay English.
"""

from __future__ import annotations

from django.utils.translation import gettext, gettext_noop

TITLES = frozenset(
    {
        # Scenarios
        gettext_noop("The administrator comes first"),
        gettext_noop("A bad night at the backend"),
        gettext_noop("The end of a customer"),
        gettext_noop("A partner's first day"),
        gettext_noop("Mail settings were wrong"),
        gettext_noop("Moving private Webex accounts"),
        gettext_noop("Package changes"),
        gettext_noop("Twins and strangers"),
        # Kinds of faults
        gettext_noop("Too many requests (429)"),
        gettext_noop("A limit on requests per minute (429)"),
        gettext_noop("One subscriber is locked (423)"),
        gettext_noop("Closed for a time"),
        gettext_noop("The server is in trouble (408, 5xx)"),
        gettext_noop("The token is over (401)"),
        gettext_noop("The token lost its right (403)"),
        gettext_noop("Slow answers"),
        gettext_noop("The connection breaks"),
        gettext_noop("A black hole"),
        gettext_noop("The effect comes after the client gave up"),
        gettext_noop("Everything is down"),
        gettext_noop("A gateway answers, not Webex"),
        gettext_noop("HTML instead of JSON"),
        gettext_noop("A wrong Content-Type"),
        gettext_noop("Half a body"),
        gettext_noop("No body"),
        gettext_noop("Less than was promised"),
        gettext_noop("A huge body"),
        gettext_noop("A gzip bomb"),
        gettext_noop("A body that drips"),
        gettext_noop("JSON that is not quite"),
        gettext_noop("JSON of another shape"),
        gettext_noop("A status that nobody knows"),
        gettext_noop("An error code that nobody knows"),
        gettext_noop("The document against its examples"),
        gettext_noop("Doubled items"),
        gettext_noop("Items in disorder"),
        gettext_noop("A list that changes between two pages"),
        gettext_noop("A `next` link that leads elsewhere"),
        gettext_noop("A replica that lags"),
        gettext_noop("Two statuses of one millisecond"),
        gettext_noop("The clock is wrong"),
    }
)


def translated(title: str) -> str:
    """A title in the reader's language; one that is not known here stays as it is."""
    return gettext(title) if title in TITLES else title
