"""Checkpoints as C2SP signed notes: text a person can read and any transparency-log tool can check.

    qingzhou.example/node/330102/i1
    4711
    <base64 root>

    — qingzhou.example/node/330102/i1 <base64 of key hash and signature>

No extension lines. The centre countersigns by adding its own line (`cosign`).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec

from sync.errors import BadSignature, LimitExceeded, Malformed, SyncError
from sync.limits import LIMITS
from sync.signing.keys import KEY_BYTES, SIGNATURE_BYTES, SigningKey, verify

_ALGORITHM = b"\x01"  # Ed25519, plain note signature
_HASH_BYTES = 4
_ROOT_BYTES = 32
_KEY_NAME = re.compile(r"[^\s+\x00-\x1f\x7f]{1,160}")
_LINE = re.compile(r"— (\S+) (\S+)")
_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")
_Place = Annotated[int, msgspec.Meta(ge=0)]


class Checkpoint(msgspec.Struct, frozen=True, kw_only=True):
    """Size and root of a ledger, as verified: `signers` are the trusted names that signed, in note order.

    Whoever relies on it asks which names are there: the origin itself, the centre, or both.
    """

    origin: str
    size: int
    root: bytes
    signers: tuple[str, ...]


def vkey(name: str, public: bytes) -> str:
    """The verifier key in the C2SP form `name+hash+base64`."""
    _check_name(name)
    return f"{name}+{_key_hash(name, public).hex()}+{_base64(_ALGORITHM + public)}"


def parse_vkey(text: str) -> tuple[str, bytes]:
    """Name and Ed25519 public key (32 bytes) of a verifier key; raises `Malformed`."""
    name, _, rest = text.partition("+")
    digest, _, encoded = rest.partition("+")
    _check_name(name)
    raw = _unbase64(encoded)
    if len(raw) != KEY_BYTES + 1 or raw[:1] != _ALGORITHM or _key_hash(name, raw[1:]).hex() != digest:
        raise Malformed("not an Ed25519 verifier key")
    return name, raw[1:]


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """The three lines that are signed."""
    _check_name(origin)
    if len(root) != _ROOT_BYTES or not 0 <= size <= LIMITS.ledger_entries:
        raise Malformed("a checkpoint needs a size and a root of 32 bytes")
    return f"{origin}\n{size}\n{_base64(root)}\n"


def sign_note(text: str, name: str, key: SigningKey) -> bytes:
    """The note with its first signature. Commit what you sign before this leaves the process."""
    if not text.endswith("\n") or "\n\n" in text:
        raise Malformed("note text ends with one line break and has no empty line")
    return f"{text}\n{_signature_line(text, name, key)}".encode()


def cosign(note: bytes, name: str, key: SigningKey) -> bytes:
    """The same note with one more signature line; unchanged where this key has signed already."""
    text, _ = _split(note)
    line = _signature_line(text, name, key).encode()
    return note if line in note[len(text.encode()) :] else note + line


def only_signed_by(note: bytes, name: str) -> bytes:
    """The same note with the lines of `name` alone; raises `BadSignature` where it has none."""
    text, _ = _split(note)
    lines = note[len(text.encode()) + 1 :].decode().splitlines(keepends=True)
    kept = [line for line in lines if line.startswith(f"— {name} ")]
    if not kept:
        raise BadSignature(f"no signature line of {name}")
    return f"{text}\n{''.join(kept)}".encode()


def open_note(note: bytes, trusted: Mapping[str, bytes]) -> Checkpoint:
    """The checkpoint of a note signed by at least one of `trusted` (name to public key).

    Lines of unknown keys are passed over; a line of a trusted key that does not fit, or no line of one,
    raises `BadSignature`; anything that is no checkpoint raises `Malformed` or `LimitExceeded`.
    """
    text, lines = _split(note)
    signers: list[str] = []
    for name, raw in lines:
        public = trusted.get(name)
        if public is None or _key_hash(name, public) != raw[:_HASH_BYTES]:
            continue
        verify(public, text.encode(), raw[_HASH_BYTES:])
        if name not in signers:
            signers.append(name)
    if not signers:
        raise BadSignature("no signature of a trusted key")
    return _checkpoint(text, tuple(signers))


def slim(note: bytes, names: Sequence[str]) -> list[Any] | bytes:
    """The note as [place of its origin in `names`, size, root, [[place of a signer, hash and signature], …]].

    Half its bytes. What `whole` would not give back exactly stays as it is.
    """
    try:
        text, lines = _split(note)
        checkpoint = _checkpoint(text, ())
        signed = [[names.index(name), raw] for name, raw in lines]
        slimmed = [names.index(checkpoint.origin), checkpoint.size, checkpoint.root, signed]
    except (SyncError, ValueError):
        return note
    return slimmed if whole(slimmed, names) == note else note


def whole(slimmed: Any, names: Sequence[str]) -> bytes:
    """The note that `slim` took apart. Raises `Malformed`; whether its signatures hold is `open_note`'s."""
    if type(slimmed) is bytes:
        return slimmed
    try:
        origin, size, root, signed = msgspec.convert(
            slimmed, tuple[_Place, int, bytes, tuple[tuple[_Place, bytes], ...]]
        )
        lines = [f"— {names[place]} {_base64(raw)}\n" for place, raw in signed]
        return f"{checkpoint_text(names[origin], size, root)}\n{''.join(lines)}".encode()
    except (msgspec.ValidationError, IndexError) as error:
        raise Malformed("not a note taken apart") from error


def _checkpoint(text: str, signers: tuple[str, ...]) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) != 4 or not _SIZE.fullmatch(lines[1]):  # noqa: PLR2004 (three lines and the end)
        raise Malformed("not a checkpoint")
    root = _unbase64(lines[2])
    size = int(lines[1])
    checkpoint_text(lines[0], size, root)  # refuses what could not have been signed
    return Checkpoint(origin=lines[0], size=size, root=root, signers=signers)


def _split(note: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    if len(note) > LIMITS.note_bytes:
        raise LimitExceeded(f"a note of {len(note)} bytes")
    try:
        whole = note.decode()
    except UnicodeDecodeError as error:
        raise Malformed("a note is UTF-8") from error
    text, gap, signatures = whole.rpartition("\n\n")
    if not gap or not signatures.endswith("\n"):
        raise Malformed("a note has text, an empty line and signatures")
    lines = signatures[:-1].split("\n")
    if len(lines) > LIMITS.note_signatures:
        raise LimitExceeded(f"a note with {len(lines)} signatures")
    return text + "\n", [_parse_line(line) for line in lines]


def _parse_line(line: str) -> tuple[str, bytes]:
    found = _LINE.fullmatch(line)
    if found is None:
        raise Malformed("not a signature line")
    _check_name(found[1])
    raw = _unbase64(found[2])
    if len(raw) <= _HASH_BYTES:
        raise Malformed("not a signature line")
    return found[1], raw


def _signature_line(text: str, name: str, key: SigningKey) -> str:
    _check_name(name)
    raw = _key_hash(name, key.public) + key.sign(text.encode())
    assert len(raw) == _HASH_BYTES + SIGNATURE_BYTES
    return f"— {name} {_base64(raw)}\n"


def _key_hash(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ALGORITHM + public).digest()[:_HASH_BYTES]


def _check_name(name: str) -> None:
    if not _KEY_NAME.fullmatch(name):
        raise Malformed("a key name has no blanks and no plus sign")


def _base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _unbase64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Malformed("not base64") from error
    if _base64(raw) != text:
        raise Malformed("base64 that is not canonical")
    return raw
