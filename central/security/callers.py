"""Who signed a request to the API: a node's key, a clock within ten minutes, a nonce never seen before."""

from central.store import fleet
from central.store.database import Store
from central.store.fleet import Identity
from sync.errors import BadSignature, Revoked, UnknownOrigin
from sync.limits import LIMITS
from sync.signing.requests import check, read_header

HEADER_CHARACTERS_MAX = 1024


async def caller(
    store: Store,
    header: str,
    method: str,
    path: str,
    body: bytes,
    now_ms: int,
    *,
    lapsed: bool = False,
    unless: str = "",
) -> Identity:
    """The identity behind a request; its nonce is used up, durably, before this returns.

    Raises BadSignature (unknown, unsigned, replayed, or the certificate ended and `lapsed` is not
    allowed), Malformed, or Revoked (not where it was revoked for the reason `unless`).
    """
    claim = read_header(header[:HEADER_CHARACTERS_MAX])
    async with store.transaction() as tx:
        identity = await fleet.identity(tx, claim.origin)
        if identity is None:
            raise UnknownOrigin("unknown origin")
        check(header, {identity.origin: identity.signing}.get, method, path, body, now_ms)
        if not await fleet.fresh_nonce(tx, claim.origin, claim.nonce, now_ms):
            raise BadSignature("a request seen before")
    if identity.revoked_ms is not None and not (unless and identity.revoked_reason == unless):
        raise Revoked(identity.origin)
    if identity.not_after_ms < now_ms and not lapsed:
        raise BadSignature("the certificate has ended: exchange first, it is renewed there")
    return identity


async def forget(store: Store, now_ms: int) -> None:
    """Drop nonces that the clock rule refuses anyway."""
    async with store.transaction() as tx:
        await fleet.forget_nonces(tx, now_ms - 2 * LIMITS.request_skew_ms)
