"""What the API says, in the shapes of `interfaces.md`.

Nothing in it that the page beside it does not show.
"""

from typing import Any

import msgspec
from litestar import Response

from edge.actions.views import Answer, CardRead, Deferral, TrailAnswer
from edge.store.draft import Placed
from matters.model import Refusal

JSON = "application/json"


def reply(body: Any, status: int = 200) -> Response[bytes]:
    """Any value of ours as JSON; bytes become base64."""
    return Response(
        msgspec.json.encode(body),
        status_code=status,
        media_type=JSON,
        headers={"cache-control": "no-store"},
    )


def entry(placed: Placed) -> dict[str, Any]:
    """Where an entry stands; the hash as hex."""
    return {"origin": placed.origin, "index": placed.index, "leaf_hash": placed.leaf_hash.hex()}


def answered(found: Answer | Deferral | Refusal) -> Response[bytes]:
    """200 answer, 202 deferral, 403 refusal."""
    if isinstance(found, Refusal):
        return reply(found, 403)
    if isinstance(found, Deferral):
        body = msgspec.structs.asdict(found) | {"entry": entry(found.entry)}
        return reply(body, 202)
    body = msgspec.structs.asdict(found) | {
        "as_of": found.as_of_ms,
        "fields": found.groups,
        "entry": entry(found.entry),
    }
    del body["groups"]
    return reply(body)


def trail(found: TrailAnswer | Deferral | Refusal) -> Response[bytes]:
    """200 the accesses, 202 deferral, 403 refusal."""
    if isinstance(found, TrailAnswer):
        return reply(msgspec.structs.asdict(found) | {"entry": entry(found.entry)})
    return answered(found)


def read(found: CardRead | None) -> Response[bytes]:
    """The card as the page shows it: the number masked; 204 when no card is there."""
    if found is None:
        return Response(b"", status_code=204, media_type=JSON)
    body = msgspec.structs.asdict(found)
    del body["number"]
    return reply(body)
