"""`POST /_control/generate`: some thousands of subscribers without leaving the API."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from simulator import generate
from simulator.calls import utc_now

Body = dict[str, Any]
MOST = 100_000
MEMBERS = frozenset(
    {"subscribers", "token", "provisioning_id", "provisioning_ids", "enterprises", "seed"}
    | {"password", "statuses"}
)


def serve(request: HttpRequest, body: Body) -> Body:
    """Make subscribers in one transaction; raises ValueError for more than 100,000."""
    if unknown := body.keys() - MEMBERS:
        raise ValueError(f"unknown members: {', '.join(sorted(unknown))}")
    count = int(body["subscribers"])
    if count > MOST:
        raise ValueError(
            f"{count:,} subscribers are too many for one request, {MOST:,} are the most: run"
            f" `python -m simulator generate --subscribers {count}`, which commits as it goes"
        )
    homes = body.get("provisioning_ids") or [body.get("provisioning_id", "")]
    wish = generate.Wish(
        count,
        token=str(body.get("token", "")),
        provisioning_ids=[str(home) for home in homes if home],
        enterprises=int(body.get("enterprises", 0)),
        seed=str(body.get("seed", "1")),
        password=str(body.get("password", "")),
        statuses={name: float(share) for name, share in body.get("statuses", {}).items()},
    )
    made = generate.generate(wish, utc_now())
    return {"made": made, "were_there": count - made}
