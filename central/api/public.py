"""What anybody may ask: the trust file, and whether the program is well."""

import base64
from typing import Any

from litestar import Response, get
from litestar.exceptions import NotAuthorizedException
from litestar.params import FromPath, FromQuery
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from central.actions import enrol, health, witness
from central.api.doors import REGISTRY, Asking, TheCentre, json

LOOPBACK = ("127.0.0.1", "::1", "testclient")


@get("/api/trust", summary="The public keys and the origins no longer trusted")
async def trust(centre: TheCentre) -> dict[str, Any]:
    """What a verifier needs; it changes only with a revocation or a new key."""
    return await enrol.trust(centre)


@get("/api/consistency/{old:int}/{new:int}", summary="That the centre's own ledger only grew")
async def consistency(
    centre: TheCentre, old: FromPath[int], new: FromPath[int], incarnation: FromQuery[int] = 0
) -> dict[str, Any]:
    """The RFC 6962 proof from one size of the centre's own ledger to another, base64.

    Of the incarnation that is now written, or of `incarnation`.
    """
    proof = await witness.proof(centre, old, new, incarnation)
    return {"old": old, "new": new, "proof": [base64.b64encode(one).decode() for one in proof]}


@get("/livez", summary="The process answers", opt={"open": True})
async def livez() -> dict[str, str]:
    """200 while the event loop turns."""
    return {"state": "ok"}


@get("/readyz", summary="The program can do its work")
async def readyz(centre: TheCentre) -> Response[bytes]:
    """200 when every check holds, 503 with the reasons otherwise."""
    checks = await health.ready(centre)
    well = all(check.well for check in checks)
    return json({"ready": well, "checks": checks}, 200 if well else 503)


@get("/metrics", include_in_schema=False)
async def metrics(request: Asking) -> Response[bytes]:
    """Prometheus text, to this machine only."""
    if request.client is None or request.client.host not in LOOPBACK:
        raise NotAuthorizedException(detail="loopback only")
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
