"""The shape of one ledger row, and the two derived values that cost no bytes on the wire.

These structs stand here, below the ledger, because the columnar codec takes them apart; the rest of the
house imports them from `sync.ledger.entry`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any, overload

import msgspec

from sync.ids import mac, subject_ref

_SALT_LABEL = b"yizhan/salt"
_DETAIL_LABEL = b"yizhan/detail/1"


class Entry(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """The public part of a row, in the order of the leaf (protocol.md section 2); no personal data.

    Times are Unix ms. `clock` is a `ClockState`; `subject_ref` 16 bytes, or empty where nobody is
    concerned; `ext` holds what later versions add: any deterministic CBOR values, arrays as tuples.
    """

    kind: int
    index: int
    hlc_ms: int
    hlc_n: int = 0
    clock: int = 0
    boot: int = 0
    actor: str = ""
    role: str = ""
    window: str = ""
    session: str = ""
    subject_ref: bytes = b""
    presence: str = ""
    relationship: str = ""
    purpose: str = ""
    basis: str = ""
    mode: str = ""
    as_of: int = 0
    policy: int = 0
    outcome: str = ""
    object: str = ""
    ext: tuple[Any, ...] = ()


class Row(msgspec.Struct, frozen=True):
    """One ledger row: the entry, its sensitive detail (deterministic CBOR array), and its salt.

    Where the law had the detail deleted, `detail` is empty and `withheld` carries the commitment (32
    bytes), so that the leaf can still be rebuilt.
    """

    entry: Entry
    detail: bytes
    salt: bytes
    withheld: bytes = b""

    @property
    def commitment(self) -> bytes:
        """What the leaf carries for the detail."""
        return self.withheld or commit(self.salt, self.detail)


Column = list[Any]
Fields = list[Any] | None
"""The values of a detail; None where they are not known to be its one deterministic reading."""


class Rows(Sequence[Row]):
    """Rows that go together, kept by column: a `Row` is made when it is looked at and equals what was put in.

    `public` has one column for each field of `Entry`, in its order. `fields` are the values of each detail
    where they were decoded along the way, else None; they do not count for equality.
    """

    __slots__ = ("details", "fields", "public", "salts", "withheld")
    __hash__ = None  # type: ignore[assignment]  # as a list

    def __init__(
        self,
        public: Sequence[Column],
        details: list[bytes],
        salts: list[bytes],
        withheld: list[bytes],
        fields: list[Fields] | None = None,
    ) -> None:
        self.public, self.details, self.salts, self.withheld = list(public), details, salts, withheld
        self.fields: list[Fields] = fields or [None] * len(details)

    @classmethod
    def of(cls, rows: Sequence[Row]) -> Rows:
        """These rows by column."""
        if isinstance(rows, cls):
            return rows
        public = list(map(list, zip(*[msgspec.structs.astuple(row.entry) for row in rows], strict=True)))
        return cls(
            public or [[] for _ in Entry.__struct_fields__],
            [row.detail for row in rows],
            [row.salt for row in rows],
            [row.withheld for row in rows],
        )

    @property
    def indexes(self) -> list[int]:
        """The index of each."""
        return self.public[INDEX]

    def column(self, name: str) -> Column:
        """That field of `Entry` of each."""
        return self.public[Entry.__struct_fields__.index(name)]

    def commitments(self) -> list[bytes]:
        """What the leaf of each carries for its detail."""
        columns = zip(self.salts, self.details, self.withheld, strict=True)
        return [withheld or commit(salt, detail) for salt, detail, withheld in columns]

    def entries(self) -> list[Entry]:
        """The public part of each."""
        return msgspec.convert(list(zip(*self.public, strict=True)), list[Entry])

    def __len__(self) -> int:
        return len(self.details)

    def __iter__(self) -> Iterator[Row]:
        return map(Row, self.entries(), self.details, self.salts, self.withheld)

    @overload
    def __getitem__(self, place: int) -> Row: ...
    @overload
    def __getitem__(self, place: slice) -> Rows: ...
    def __getitem__(self, place: int | slice) -> Row | Rows:
        values = [column[place] for column in self.public]
        if isinstance(place, slice):
            return Rows(
                values, self.details[place], self.salts[place], self.withheld[place], self.fields[place]
            )
        return Row(
            msgspec.convert(values, Entry), self.details[place], self.salts[place], self.withheld[place]
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rows):
            return list(self) == other
        ours = (self.public, self.details, self.salts, self.withheld)
        return ours == (other.public, other.details, other.salts, other.withheld)


INDEX = Entry.__struct_fields__.index("index")


class FrameContext(msgspec.Struct, frozen=True, kw_only=True):
    """What both ends know and no frame carries.

    `subject_key` is the jurisdiction's key of `ids.subject_ref`; `salt_keys` are (first index, K_salt) of the
    salt epochs, ascending, the first at or below every row's index. `dictionary` is the number of the one
    frames are compressed over (`squeeze`), 0 for none. Remembers the salts it derived lately, so that a
    frame's own verification derives none twice.
    """

    subject_key: bytes
    salt_keys: tuple[tuple[int, bytes], ...]
    dictionary: int = 0
    _salts: dict[int, bytes] = msgspec.field(default_factory=dict)

    def salts(self, indexes: Sequence[int]) -> list[bytes]:
        """The salt of each of these entries under its epoch; empty where no epoch covers it."""
        held = self._salts
        if not all(map(held.__contains__, indexes)):
            held.clear()
            held.update(zip(indexes, map(self.salt, indexes), strict=True))
        return list(map(held.__getitem__, indexes))

    def salt(self, index: int) -> bytes:
        """The salt of entry `index`."""
        for first, key in reversed(self.salt_keys):
            if first <= index:
                return salt(key, index)
        return b""

    def reference(self, number: str) -> bytes:
        """`ids.subject_ref` of a number under this jurisdiction's key."""
        return subject_ref(self.subject_key, number)

    def __repr__(self) -> str:
        """Shows no key and no number."""
        return "FrameContext()"


def salt(key: bytes, index: int) -> bytes:
    """The 16 bytes that keep the detail of entry `index` from being guessed; `key` is K_salt of its epoch."""
    return mac(key, _SALT_LABEL).digest(index.to_bytes(8, "big"))[:16]


def commit(salt_: bytes, detail: bytes) -> bytes:
    """SHA-256 commitment to a detail; without the salt it says nothing about it."""
    return hashlib.sha256(_DETAIL_LABEL + salt_ + detail).digest()


def frozen(value: Any) -> Any:
    """Decoded CBOR with its arrays as tuples, so that it may stand in an `Entry`."""
    return tuple(frozen(element) for element in value) if type(value) is list else value
