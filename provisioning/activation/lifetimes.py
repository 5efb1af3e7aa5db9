"""How long what the portal hands out is good."""

from __future__ import annotations

from datetime import timedelta

#: The mailed link, on any device. `LINK_USED` (catalogue/portal.py) and the portal's
#: mail_state.html tell it in words.
LINK_LIFETIME = timedelta(hours=24)
#: The mailed code, in the browser that asked for it. The mail (confirm.txt, confirm.html),
#: mail_state.html and catalogue/portal.py tell it in words.
CODE_LIFETIME = timedelta(minutes=10)
#: A confirmed address: so long it is tried again without another mail.
CONFIRMED_ADDRESS_LIFETIME = timedelta(hours=24)
