"""Codes of our own. Cisco's are numbers; ours begin with PH so that nobody mistakes them.

What each means, for administrators and for end users: catalogue/jobs.py, portal.py, skips.py.
"""

from __future__ import annotations

# ---- How jobs end ----

REFUSED = "PH-REFUSED"
GAVE_UP = "PH-GAVE-UP"
GONE = "PH-GONE"
EXPIRED = "PH-EXPIRED"
UNCLEAR = "PH-UNCLEAR"
POISON = "PH-POISON"
ASKER_LEFT = "PH-ASKER-LEFT"

# ---- Why nothing was sent ----

# A job that was cancelled with one of these was skipped; batches count them apart.
SKIP_STATUS = "PH-SKIP-STATUS"
SKIP_BUSY = "PH-SKIP-BUSY"
SKIP_NO_ADDRESS = "PH-SKIP-NO-ADDRESS"
SKIP_ADMIN_FIRST = "PH-SKIP-ADMIN-FIRST"
SKIP_SAME_PACKAGE = "PH-SKIP-SAME-PACKAGE"
SKIP_DELETED = "PH-SKIP-DELETED"
SKIP_NOT_HELD = "PH-SKIP-NOT-HELD"
SKIPS = (
    *(SKIP_STATUS, SKIP_BUSY, SKIP_NO_ADDRESS, SKIP_ADMIN_FIRST, SKIP_SAME_PACKAGE),
    *(SKIP_DELETED, SKIP_NOT_HELD),
)

# ---- How the portal refuses ----

#: BroadWorks refused the login. The same code for a user ID that does not exist.
WRONG_LOGIN = "100006"
#: BroadWorks says that the user is locked out.
LOCKED_OUT = "200018"
#: Another template's user.
OTHER_TEMPLATE = "200050"
LOGIN_CLOSED = "PH-LOGIN-CLOSED"
TOO_MANY = "PH-TOO-MANY"
LOGIN_AWAY = "PH-LOGIN-AWAY"
WEBEX_AWAY = "PH-WEBEX-AWAY"
PORTAL_CLOSED = "PH-PORTAL-CLOSED"
NOT_INVITED = "PH-NOT-INVITED"
ADMIN_FIRST = "PH-ADMIN-FIRST"
BUSY = "PH-BUSY"
MAIL_REFUSED = "PH-MAIL-REFUSED"
MAIL_AWAY = "PH-MAIL-AWAY"
MAIL_LIMIT = "PH-MAIL-LIMIT"
ADDRESS_LIMIT = "PH-ADDRESS-LIMIT"
LINK_USED = "PH-LINK-USED"
CODE_WRONG = "PH-CODE-WRONG"
CODE_EXPIRED = "PH-CODE-EXPIRED"
TAKEN_OVER = "PH-TAKEN-OVER"
SIGN_IN_AGAIN = "PH-SIGN-IN-AGAIN"
