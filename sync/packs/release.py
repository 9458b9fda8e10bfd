"""A release: the centre's signed list of the packs in force for one scope, and which of them to fetch.

Protocol section 5. A node remembers the highest version seen and refuses older or mixed sets.
"""

from typing import Literal

import msgspec

from sync.codec import cbor
from sync.errors import Malformed, PackRefused
from sync.limits import LIMITS
from sync.packs.pack import PackKind, state_root
from sync.signing import cose
from sync.signing.keys import SigningKey

DataClass = Literal["detail", "staff", "catalogue"]
VERSION = 1
AAD = b"yizhan/release/1"
PACKS_MAX = 256
_HASH_BYTES = 32


class PackRef(msgspec.Struct, frozen=True, kw_only=True):
    """One pack of a release: it takes a scope from one version to another; a base from 0, replacing it all.

    A repair stays at the release's version and stands only in a release made for one node.
    `size` is in sealed bytes, for the budget of the line and the words on the screen.
    """

    digest: bytes
    kind: PackKind
    from_version: int
    to_version: int
    size: int
    rows: int


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """The manifest of a scope: `state_root` is what a node must hold after applying, `as_of_ms` the age.

    `until_ms` ends a time-boxed set: then the node destroys it by itself (0: as long as a lease allows).
    Without packs the scope is withdrawn from whoever reads this.
    """

    scope: str
    version: int
    data_class: DataClass
    packs: tuple[PackRef, ...]
    state_root: bytes
    as_of_ms: int
    created_ms: int
    until_ms: int = 0

    @property
    def withdrawn(self) -> bool:
        """Whether nothing of the scope may be held any more."""
        return not self.packs


_FIELDS_V1 = 7
"""Fields every release ever signed has."""


def withdrawal(scope: str, data_class: DataClass, version: int, now_ms: int) -> Release:
    """The word that a scope is not this node's (any more); `version` is the newest it may have seen."""
    return Release(
        scope=scope,
        version=version,
        data_class=data_class,
        packs=(),
        state_root=state_root(()),
        as_of_ms=now_ms,
        created_ms=now_ms,
    )


def sign_release(release: Release, key: SigningKey) -> bytes:
    """The release as COSE_Sign1 under the centre's key; one that opens nowhere is refused here already."""
    _check(release)
    packs = [list(msgspec.structs.astuple(pack)) for pack in release.packs]
    fields = [release.scope, release.version, release.data_class, packs]
    fields += [release.state_root, release.as_of_ms, release.created_ms, release.until_ms]
    return cose.sign1(cbor.encode([VERSION, *fields]), key, b"centre", AAD)


def open_release(data: bytes, centre_public: bytes) -> Release:
    """The release the centre signed.

    Raises BadSignature when it did not, Malformed for other bytes, PackRefused for a set that does not
    fit together.
    """
    _, payload = cose.open1(data, {b"centre": centre_public}, AAD)
    fields = cbor.decode(payload, limit=LIMITS.header_bytes)
    names = Release.__struct_fields__
    if len(fields) <= _FIELDS_V1 or fields[0] != VERSION:
        raise PackRefused("release of an unknown version")
    named = dict(zip(names, fields[1:], strict=False))
    try:
        named["packs"] = [dict(zip(PackRef.__struct_fields__, pack, strict=True)) for pack in fields[4]]
        release = msgspec.convert(named, Release)
    except (msgspec.ValidationError, TypeError, ValueError) as error:
        raise Malformed(f"release: {error}") from error
    _check(release)
    return release


def plan(release: Release, have_version: int) -> list[PackRef]:
    """The packs to apply in order to come from `have_version` (0: nothing) to the release; [] when level.

    The way with fewest bytes: deltas from what is held, then its repairs; or the base and its deltas. A
    withdrawal has no packs. Raises PackRefused when the release is older than what is held (rolled back or
    replayed), or its packs lead nowhere (mixed).
    """
    if release.version < have_version:
        raise PackRefused(f"release {release.version} of {release.scope} is older than {have_version}, held")
    if release.withdrawn:
        return []
    onward = _chain(release, have_version)
    repairs = [pack for pack in release.packs if pack.kind == "repair"]
    if onward is not None and have_version and repairs:
        return onward + repairs
    ways = [way for way in (_chain(release, 0), onward) if way is not None]
    if not ways:
        raise PackRefused(f"release {release.version} of {release.scope} leads nowhere from {have_version}")
    return min(ways, key=lambda way: sum(pack.size for pack in way))


def _chain(release: Release, version: int) -> list[PackRef] | None:
    """The packs that lead from `version` to the release, each taken the farthest step it offers."""
    way: list[PackRef] = []
    while version != release.version:
        steps = [p for p in release.packs if p.from_version == version < p.to_version <= release.version]
        if not steps:
            return None
        way.append(max(steps, key=lambda pack: pack.to_version))
        version = way[-1].to_version
    return way


def _check(release: Release) -> None:
    """A release must name a new state, step forward only, and reach its version from nothing."""
    if release.version < 1 or len(release.packs) > PACKS_MAX or len(release.state_root) != _HASH_BYTES:
        raise PackRefused(f"release of {release.scope} is out of bounds")
    if not all(_fits(pack, release.version) for pack in release.packs):
        raise PackRefused(f"release {release.version} of {release.scope} mixes packs")
    if release.withdrawn:
        if release.state_root != state_root(()):
            raise PackRefused(f"release {release.version} of {release.scope} withdraws a state")
    elif _chain(release, 0) is None:
        raise PackRefused(f"release {release.version} of {release.scope} cannot be built from nothing")


def _fits(pack: PackRef, version: int) -> bool:
    """Whether a release of this version may name this pack."""
    if pack.kind == "repair":
        steps = pack.from_version == pack.to_version == version
    else:
        steps = 0 <= pack.from_version < pack.to_version <= version
    return steps and len(pack.digest) == _HASH_BYTES and (pack.kind == "base") == (pack.from_version == 0)
