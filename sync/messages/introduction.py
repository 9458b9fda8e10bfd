"""Enrolment and new incarnations by two files on a stick (protocol 1): the request there, the answer back.

    file = "YZE1" || version u8 || kind u8 || u16 name length || name || body || HMAC-SHA256 of all before it

A third kind, "certificate", is shown by a node that a restored centre forgot: its name is the origin, its
body what the centre once signed, its key that of a history.

Neither file is secret; each must be the other's and unaltered. Their key is what only the two sides know: the
one-time code, of which the file carries nothing but the locator (`name`), or, for a node that has a history,
what its sealing key and the centre's agree on (`name` is then its origin). So nobody on the way can put their
own keys in the request's place, or another centre in the answer's. An answer over the line is JSON and has
its `proof` under the same key beside the other members.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence
from typing import Any, Literal

import msgspec

from sync.errors import UNREADABLE, BadSignature, LimitExceeded, Malformed, UnknownVersion
from sync.signing.keys import SealingKey
from sync.signing.sealing import agreed_key

MAGIC = b"YZE1"
SUFFIX = ".yze"
VERSION = 1
FILE_BYTES_MAX = 64 * 1024
Kind = Literal["request", "answer", "certificate"]
_KINDS: tuple[Kind, ...] = ("request", "answer", "certificate")
_LABEL = b"yizhan/introduction/1"
_MAC_BYTES = 32
_FIXED = len(MAGIC) + 4
_LOCATOR_LETTERS = 4


def code_key(code: str) -> bytes:
    """What both sides keep of a one-time code; blanks, dashes and case do not matter."""
    return hashlib.sha256(b"yizhan/code/1" + _plain(code).encode()).digest()


def locator(code: str) -> str:
    """The first group of a code: finds its row, is no secret; the other groups hold 60 random bits."""
    return _plain(code)[:_LOCATOR_LETTERS]


def history_key(own: SealingKey, other: bytes, origin: str) -> bytes:
    """The key of a node that was enrolled before, from either side."""
    return agreed_key(own, other, _LABEL + origin.encode())


def write(kind: Kind, name: str, body: bytes, key: bytes) -> bytes:
    """The file. Raises LimitExceeded beyond 64 KiB."""
    named = name.encode()
    head = MAGIC + bytes((VERSION, _KINDS.index(kind))) + len(named).to_bytes(2, "big") + named
    if len(head) + len(body) + _MAC_BYTES > FILE_BYTES_MAX:
        raise LimitExceeded(f"an introduction of {len(body)} bytes")
    return head + body + _mac(key, head + body)


def peek(data: bytes) -> tuple[Kind, str]:
    """Kind and name of a file, before anything is verified.

    Raises Malformed for what is none, UnknownVersion for one of a later program, LimitExceeded.
    """
    if len(data) > FILE_BYTES_MAX:
        raise LimitExceeded(f"an introduction of {len(data)} bytes")
    if len(data) < _FIXED + _MAC_BYTES or not data.startswith(MAGIC):
        raise Malformed("not an introduction, or cut")
    if data[4] != VERSION:
        raise UnknownVersion(f"introduction version {data[4]}")
    length = int.from_bytes(data[6:_FIXED], "big")
    if data[5] >= len(_KINDS) or _FIXED + length + _MAC_BYTES > len(data):
        raise Malformed("not an introduction, or cut")
    try:
        return _KINDS[data[5]], data[_FIXED : _FIXED + length].decode()
    except UnicodeDecodeError as error:
        raise Malformed("an introduction with an unreadable name") from error


def claimed_body(data: bytes) -> bytes:
    """The body, before anything is verified; raises what `peek` raises."""
    _, name = peek(data)
    return data[_FIXED + len(name.encode()) : -_MAC_BYTES]


def read(kind: Kind, data: bytes, keys_of: Callable[[str], Sequence[bytes]]) -> tuple[bytes, bytes]:
    """Body, and the key among `keys_of(name)` that it was written with.

    Raises what `peek` raises, Malformed for the other kind, BadSignature where no key fits.
    """
    found, name = peek(data)
    if found != kind:
        raise Malformed(f"this is the {found}, not the {kind}")
    for key in keys_of(name):
        if hmac.compare_digest(_mac(key, data[:-_MAC_BYTES]), data[-_MAC_BYTES:]):
            return claimed_body(data), key
    raise BadSignature("not written with a key known here, or altered")


def with_proof(answer: msgspec.Struct | dict[str, Any], key: bytes) -> bytes:
    """The answer as JSON with its proof."""
    members = msgspec.to_builtins(answer)
    return msgspec.json.encode({**members, "proof": _proof(members, key)})


def proven(content: bytes, key: bytes) -> bytes:
    """What `with_proof` was given, as JSON; raises Malformed, BadSignature for one altered or of others."""
    try:
        members = msgspec.json.decode(content, type=dict[str, Any])
    except UNREADABLE as error:
        raise Malformed("not an answer") from error
    if not hmac.compare_digest(_proof(members, key).encode(), str(members.pop("proof", "")).encode()):
        raise BadSignature("not written with this key, or altered")
    return msgspec.json.encode(members)


def _proof(members: dict[str, Any], key: bytes) -> str:
    others = {name: value for name, value in members.items() if name != "proof"}
    return base64.b64encode(_mac(key, msgspec.json.encode(others, order="sorted"))).decode()


def _mac(key: bytes, content: bytes) -> bytes:
    return hmac.digest(key, _LABEL + content, "sha256")


def _plain(code: str) -> str:
    return "".join(letter for letter in code.upper() if letter.isalnum())
