"""Where the simulator and the published document differ, and why: data, and nothing else.

Four sorts. *Stricter*: the simulator refuses what the document's schemas would let pass. *Wider*:
it accepts what they forbid. *Unsaid*: the document has no schema for it, so this is ours.
*Contradiction*: the document says two things.

Each entry also says how the document would have to be changed to agree; `narrowed.document` does
that, and the property-based run holds the simulator to every letter of the result. Each has a test
of its own in test_deviations.py and a line in the simulator's README ("Deviations").
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.simulator.conftest import HOME

Schema = dict[str, Any]

#: What Python's strip() takes away: a text of nothing else is empty.
BLANKS = r"\u0009-\u000d\u001c-\u0020\u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
FILLED = rf"^[^\u0000]*[^\u0000{BLANKS}][^\u0000]*$"
NO_NUL = r"^[^\u0000]*$"
PART = rf"[^@\u0000{BLANKS}<>,;:\"()\[\]\\]+"
LAST_PART = rf"[^@.\u0000{BLANKS}<>,;:\"()\[\]\\]+"
ADDRESS = rf"[{BLANKS}]*{PART}@{PART}\.{LAST_PART}[{BLANKS}]*"
EMAIL, EMAIL_OR_NONE = f"^{ADDRESS}$", f"^({ADDRESS}|[{BLANKS}]*)$"
STATUS = (
    "(pending_email_input|pending_email_validation|pending_user_migration|provisioning|provisioned"
    "|updating|error)"
)
LETTER_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}\+00:00$"
ISO = r"20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|1[0-9]|2[0-8])T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]Z"
MOMENT = rf"^(|-?[0-9]{{1,13}}|{ISO})$"
TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"
FREE_TEXTS = ("mobilePhoneNumber", "timezone", "language", "primaryPhoneNumber", "extension")
PACKAGES = ("softphone", "basic", "standard", "premium")
NAMES = ("userId", "spEnterpriseId", "firstName", "lastName")


@dataclass(frozen=True)
class Deviation:
    """One difference, and what it makes of the document.

    `bodies`, `queries`: what a member or a parameter has to say besides; `operation.member` for one
    operation (provision, update, precheck), `*` for the body itself, `?` for each member that may
    be left out. `schemas`: the same for a dotted path below `components.schemas`. `answers`: which
    setting of the account it is about.
    """

    name: str
    sort: str
    reason: str
    source: str
    bodies: dict[str, Schema] = field(default_factory=dict)
    queries: dict[str, Schema] = field(default_factory=dict)
    schemas: dict[str, Schema] = field(default_factory=dict)
    answers: str = ""


DEVIATIONS = [
    Deviation(
        "unknown_provisioning_id",
        "stricter",
        "A provisioning ID must be one that Webex knows; the schema takes any text.",
        "the document: each template has its own, shown in Partner Hub; the refusal is ours",
        bodies={
            "provision.provisioningId": {"enum": [HOME]},
            "precheck.provisioningId": {"enum": [HOME, "", None]},
        },
        queries={"provisioningId": {"enum": [HOME, ""]}},
    ),
    Deviation(
        "empty_text",
        "stricter",
        "A mandatory text of blanks counts as missing (1001), and PUT can't empty one; the schema"
        " has no least length.",
        "developer guide, 1001 Null Parameter",
        bodies={
            f"{operation}.{name}": {"pattern": FILLED}
            for operation in ("provision", "update")
            for name in NAMES
        }
        | {"precheck.email": {"pattern": EMAIL}, "precheck.primaryEmail": {"pattern": FILLED}},
    ),
    Deviation(
        "long_text",
        "stricter",
        "At most 161 characters of user ID and 256 of anything else (1002); the schema has none.",
        "developer guide, 1002 Invalid Parameter Size (title only); BroadWorks: 161; 256 is ours",
        bodies={
            name: {"maxLength": 161 if name == "userId" else 256} for name in (*NAMES, *FREE_TEXTS)
        },
    ),
    Deviation(
        "nul_in_text",
        "stricter",
        "No text holds U+0000 or half a surrogate pair; the schema takes any text.",
        "ours: the database stores neither",
        bodies={name: {"pattern": NO_NUL} for name in FREE_TEXTS}
        | {f"precheck.{name}": {"pattern": NO_NUL} for name in NAMES},
        queries={name: {"pattern": NO_NUL} for name in ("userId", "email", "spEnterpriseId")}
        | {"startsWith": {"pattern": NO_NUL}},
    ),
    Deviation(
        "not_an_address",
        "stricter",
        "email must look like an address; the schema takes any text.",
        "ours",
        bodies={
            "provision.email": {"pattern": EMAIL_OR_NONE, "maxLength": 256},
            "precheck.email": {"pattern": EMAIL, "maxLength": 256},
        },
    ),
    Deviation(
        "unknown_package",
        "stricter",
        "PUT takes the four packages that POST names; its own schema has no list.",
        "the document: package of POST and of Subscriber",
        bodies={
            "update.package": {"enum": [*PACKAGES, None]},
            "precheck.package": {"enum": [*PACKAGES, None]},
        },
    ),
    Deviation(
        "last_number",
        "stricter",
        "PUT may not take away the last of primary number and extension; a schema cannot say so.",
        "the document: description of primaryPhoneNumber and extension",
        # Empty ones are left to this deviation's own test: what is right depends on the subscriber.
        bodies={f"update.{name}": {"pattern": FILLED} for name in FREE_TEXTS[-2:]},
    ),
    Deviation(
        "precheck_with_a_template",
        "stricter",
        "A precheck with a provisioning ID needs userId and spEnterpriseId too; the schema wants"
        " the address alone, whichever of the two variants of the words it is.",
        "the document: two variants; which members belong to them is ours",
        bodies={
            "precheck.*": {
                "anyOf": [
                    {"properties": {"provisioningId": {"enum": [None, ""]}}},
                    {
                        "required": ["userId", "spEnterpriseId"],
                        "properties": {
                            name: {"type": "string", "pattern": FILLED} for name in NAMES[:2]
                        },
                    },
                ]
            }
        },
    ),
    Deviation(
        "page_size",
        "stricter",
        "max is a whole number from 1 to 100, of enterprises to 1000; the schema has no limits.",
        "the document: 'up to 100 per page', 'up to 1000'; the refusal instead of a cut is ours",
        queries={"max": {"type": "integer", "minimum": 1}},
    ),
    Deviation(
        "unreadable_time",
        "stricter",
        "Times are epoch milliseconds or ISO 8601; the schema takes any text.",
        "the document: description of lastStatusChange and after; the refusal is ours",
        queries={name: {"pattern": MOMENT} for name in ("lastStatusChange", "after")},
    ),
    Deviation(
        "missing_body",
        "stricter",
        "POST and PUT need a JSON body (415, 400); the document does not call it required.",
        "the document: 415; mandatory members",
    ),
    Deviation(
        "null_is_missing",
        "wider",
        "null counts as left out; the schema allows no null.",
        "developer guide, 1001: the text for a missing member is Null Parameter",
        bodies={"?": {"nullable": True}},
    ),
    Deviation(
        "several_statuses",
        "contradiction",
        "status takes one value or several with commas; the schema's list allows only one.",
        "the document: its description of status against its enum (domain fact 4)",
        queries={"status": {"pattern": rf"^(| *{STATUS} *(, *{STATUS} *){{0,9}})$"}},
    ),
    Deviation(
        "self_activated_text",
        "contradiction",
        'selfActivated is boolean in the schema and "false" in every example.',
        "the document; account setting answers: schema, examples, letter (domain fact 1)",
        schemas={"Subscriber.selfActivated": {"type": "string", "enum": ["true", "false"]}},
        answers="examples",
    ),
    Deviation(
        "precheck_info_list",
        "contradiction",
        "info of the precheck is an object in the schema, a list in the example.",
        "the document; account setting answers (domain fact 2)",
        schemas={
            "SubscriberProvisioningPrecheckResponse.info": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["infoCode", "description"],
                    "properties": {
                        "infoCode": {"type": "number"},
                        "description": {"type": "string"},
                    },
                },
            }
        },
        answers="examples",
    ),
    Deviation(
        "list_of_enterprises",
        "contradiction",
        "Enterprises come as {items}, as in the example; the schema describes one enterprise.",
        "the document; account setting answers: letter gives the one object (domain fact 3)",
    ),
    Deviation(
        "whole_numbers_and_times",
        "contradiction",
        "errorCode and infoCode are whole, times have one form and created is always there; the"
        " schema has number, no format, and calls created the time of being provisioned.",
        "the document; account setting answers: letter gives the others (domain fact 5)",
    ),
    Deviation(
        "form_of_refusals",
        "unsaid",
        "The document has no schema for refusals: message, errors, trackingId.",
        "Webex's error bodies as clients of other services see them (domain facts 4.5)",
    ),
    Deviation(
        "other_statuses",
        "unsaid",
        "413, 414 and 431 for what is too large; the document names none of them.",
        "ours: RFC 9110 and 6585",
    ),
    Deviation(
        "offset",
        "unsaid",
        "A page can begin at an offset; the document has cursors in links only. Beyond the end it"
        " is empty; beside a cursor, and above 999999999, it is refused.",
        "published scripts of service providers, which page by max and offset; the rest is ours",
    ),
]
