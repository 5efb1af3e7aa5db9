"""How long what the portal hands out is good."""

from __future__ import annotations

from datetime import timedelta

#: The mailed link, on any device. The words of `LINK_USED` (catalogue/portal.py) say "a day".
LINK_LIFETIME = timedelta(hours=24)
#: The mailed code, in the browser that asked for it.
CODE_LIFETIME = timedelta(minutes=10)
#: A confirmed address: so long it is tried again without another mail.
CONFIRMED_ADDRESS_LIFETIME = timedelta(hours=24)
