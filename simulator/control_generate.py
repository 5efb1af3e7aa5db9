"""`POST /_control/generate`: some thousands of subscribers without leaving the API."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from simulator import generate, shapes
from simulator.calls import utc_now

Body = dict[str, Any]
MOST = 100_000
MEMBERS = {
    "subscribers": shapes.whole(0),
    "token": shapes.text(1000),
    "provisioning_id": shapes.TEXT,
    "provisioning_ids": shapes.TEXTS,
    "enterprises": shapes.whole(0),
    "seed": shapes.SEED,
    "password": shapes.TEXT,
    "statuses": shapes.SHARES,
}


def serve(request: HttpRequest, body: Body) -> Body:
    """Make subscribers in one transaction; raises ValueError for more than 100,000."""
    body = shapes.checked(body, MEMBERS, ("subscribers",))
    count = body["subscribers"]
    if count > MOST:
        raise ValueError(
            f"{count:,} subscribers are too many for one request, {MOST:,} are the most: run"
            f" `python -m simulator generate --subscribers {count}`, which commits as it goes"
        )
    homes = body.get("provisioning_ids") or [body.get("provisioning_id", "")]
    wish = generate.Wish(
        count,
        token=body.get("token", ""),
        provisioning_ids=[home for home in homes if home],
        enterprises=body.get("enterprises", 0),
        seed=str(body.get("seed", "1")),
        password=body.get("password", ""),
        statuses={name: float(share) for name, share in body.get("statuses", {}).items()},
    )
    made = generate.generate(wish, utc_now())
    return {"made": made, "were_there": count - made}
