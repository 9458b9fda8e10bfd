"""What the centre sends back: how far it is, its countersignature, and what the node must do or fetch."""

from typing import Any

import msgspec

from sync.codec import cbor
from sync.errors import Malformed, UnknownVersion
from sync.signing.notes import slim, whole

PLAIN, SLIM = 1, 2
"""Forms: the one every node reads, and that of a reply to a slim batch: notes without names and base64."""
BYTES_MAX = 8 * 1024 * 1024
"""Largest encoded acknowledgement; the centre sends more directives in the next one."""
_HASH_BYTES = 32


class Directive(msgspec.Struct, frozen=True, kw_only=True):
    """One letter in a node's ordered mailbox; `kind` is a row of `sync.messages.directives`.

    `number` rises by one per node; the node says the highest it has durably obeyed as
    `directive_seen`, and the centre repeats what lies above. `body` holds JSON values only.
    """

    number: int
    kind: str
    body: dict[str, Any]


class Successor(msgspec.Struct, frozen=True, kw_only=True):
    """The first entry of a new incarnation of the centre's own ledger, opened, and why it is its first.

    `path` leads from the entry to the head of its ledger that the following one names as ended; of the last
    one to the acknowledgement's own `centre_checkpoint`.
    """

    leaf: bytes
    salt: bytes
    detail: bytes
    path: tuple[bytes, ...]


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """The centre's reply to one origin, durable at the centre before it is sent.

    `next` is the index the centre wants next: progress or `need(next)`, never an acknowledgement. `note` is
    the node's own checkpoint of (`size`, `root`) with the centre's countersignature, or empty with size 0
    when nothing is countersigned yet.

    `centre_checkpoint` (always present) is the centre's own ledger, signed; `centre_consistency` leads to it
    from `centre_old_size`, the size in the batch's `centre_seen` (0: unsaid, the size the node saw
    last). `centre_hops` are proofs from further sizes
    [(old size, proof)] that earlier acknowledgements to this node carried since, so that sticks which
    overtake each other still fit. `window_ms` 0 and an empty `certificate` mean unchanged.

    `successors` are the incarnations of the centre's ledger that began since the node saw it, oldest first;
    then `centre_consistency` leads from what the node saw to where the first of them says the old one ended.
    `levelling`: the centre was restored from a backup and no new incarnation is approved yet; it takes
    entries and signs nothing, and only `next`, certificate and leases count.
    """

    origin: str
    next: int
    size: int = 0
    root: bytes = b""
    note: bytes = b""
    centre_checkpoint: bytes = b""
    centre_old_size: int = 0
    centre_consistency: tuple[bytes, ...] = ()
    centre_hops: tuple[tuple[int, tuple[bytes, ...]], ...] = ()
    centre_time_ms: int
    directives: tuple[Directive, ...] = ()
    releases: tuple[bytes, ...] = ()
    scope_keys: dict[str, bytes] = {}
    leases: tuple[bytes, ...] = ()
    rejected: tuple[tuple[int, str], ...] = ()
    window_ms: int = 0
    certificate: bytes = b""
    levelling: bool = False
    successors: tuple[Successor, ...] = ()


_NOTES = ("note", "centre_checkpoint")
_FIELDS_V1 = Acknowledgement.__struct_fields__.index("certificate") + 1
"""Fields every acknowledgement ever sent has."""


def encode(acknowledgement: Acknowledgement, slim_by: str = "") -> bytes:
    """The acknowledgement as a deterministic CBOR array: the version, then its fields in order.

    `slim_by` is the centre's name: then in the slim form.
    """
    named = msgspec.structs.asdict(acknowledgement)
    if slim_by:
        named |= {name: slim(named[name], (acknowledgement.origin, slim_by)) for name in _NOTES}
    named["directives"] = [
        [one.number, one.kind, msgspec.json.encode(one.body, order="deterministic")]
        for one in acknowledgement.directives
    ]
    named["scope_keys"] = [[scope, key] for scope, key in sorted(acknowledgement.scope_keys.items())]
    named["successors"] = [list(msgspec.structs.astuple(one)) for one in acknowledgement.successors]
    version = SLIM if slim_by else PLAIN
    return cbor.encode([version, *(named[name] for name in Acknowledgement.__struct_fields__)])


def decode(data: bytes, centre: str = "") -> Acknowledgement:
    """The acknowledgement of these bytes by the centre of that name; fields a newer one appended are ignored.

    Raises Malformed, LimitExceeded or UnknownVersion; nothing else. Bodies that are no JSON objects are
    Malformed.
    """
    fields = cbor.decode(data, limit=BYTES_MAX)
    if not fields or fields[0] not in {PLAIN, SLIM}:
        raise UnknownVersion("acknowledgement of an unknown version")
    names = Acknowledgement.__struct_fields__
    if len(fields) <= _FIELDS_V1:
        raise Malformed("acknowledgement is too short")
    named = dict(zip(names, fields[1:], strict=False))
    try:
        letters = msgspec.convert(named["directives"], tuple[tuple[int, str, bytes], ...])
        named["directives"] = [_letter(*letter) for letter in letters]
        named["scope_keys"] = dict(msgspec.convert(named["scope_keys"], tuple[tuple[str, bytes], ...]))
        parts = msgspec.convert(
            named.pop("successors", ()), tuple[tuple[bytes, bytes, bytes, tuple[bytes, ...]], ...]
        )
        named["successors"] = [dict(zip(Successor.__struct_fields__, part, strict=True)) for part in parts]
        for name in _NOTES if fields[0] == SLIM else ():
            named[name] = whole(named[name], (str(named["origin"]), centre))
        acknowledgement = msgspec.convert(named, Acknowledgement)
    except msgspec.MsgspecError as error:
        raise Malformed(f"acknowledgement: {error}") from error
    _check(acknowledgement)
    return acknowledgement


def _letter(number: int, kind: str, body: bytes) -> Directive:
    return Directive(number=number, kind=kind, body=msgspec.json.decode(body, type=dict[str, Any]))


def _check(one: Acknowledgement) -> None:
    if min(one.next, one.size, one.centre_old_size, one.centre_time_ms, one.window_ms) < 0:
        raise Malformed("acknowledgement with a negative number")
    if bool(one.note) != (len(one.root) == _HASH_BYTES) or (one.size and not one.note):
        raise Malformed("a countersignature comes with its note, size and root, or not at all")
