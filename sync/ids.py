"""Names: the origin of a ledger, and the reference that stands for a subject in a leaf."""

from __future__ import annotations

import hmac
import re
from functools import lru_cache
from typing import Literal

import msgspec

from sync.errors import Malformed

_AUTHORITY = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,31})")
_ORIGIN = re.compile(r"([^/]+)/(node|centre)/([^/]+)/i([1-9][0-9]{0,8})")
_SUBJECT_LABEL = b"yizhan/subject/1"


class Origin(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """One ledger with one signing key; the incarnation rises when that history had to end.

    Construction raises `Malformed` unless `authority` is a lower-case host name, `name` 1-32 letters,
    digits, `.`, `_` or `-`, and `incarnation` at least 1.
    """

    authority: str
    role: Literal["node", "centre"]
    name: str
    incarnation: int = 1

    def __post_init__(self) -> None:
        if (
            not _AUTHORITY.fullmatch(self.authority)
            or not _NAME.fullmatch(self.name)
            or not 0 < self.incarnation < 10**9
        ):
            raise Malformed("an origin needs a host name, a short name and an incarnation from 1")

    @property
    def text(self) -> str:
        """`<authority>/<role>/<name>/i<incarnation>`, the form that is signed."""
        return f"{self.authority}/{self.role}/{self.name}/i{self.incarnation}"


def parse_origin(text: str) -> Origin:
    """Read the text form back; raises `Malformed`."""
    found = _ORIGIN.fullmatch(text)
    if found is None:
        raise Malformed("not an origin")
    role: Literal["node", "centre"] = "node" if found[2] == "node" else "centre"
    return Origin(authority=found[1], role=role, name=found[3], incarnation=int(found[4]))


def subject_ref(key: bytes, number: str) -> bytes:
    """The 16 bytes that stand for a person or organisation in a leaf, under the jurisdiction's key.

    Case and surrounding blanks of the number do not matter, so that `x` and `X` are one person. An empty
    number (an entry about nobody) has the empty reference.
    """
    plain = number.strip().upper()
    if not plain:
        return b""
    mac = _prepared(key).copy()
    mac.update(plain.encode("utf-8", "surrogatepass"))
    return mac.digest()[:16]


@lru_cache(maxsize=16)
def _prepared(key: bytes) -> hmac.HMAC:
    """The MAC with key and label taken in once: half of the time of a reference."""
    return hmac.new(key, _SUBJECT_LABEL, "sha256")
