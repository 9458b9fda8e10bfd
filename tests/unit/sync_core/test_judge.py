"""Whatever is done to a stored ledger, the judge names the entry."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from sync.codec import cbor
from sync.codec.rows import Row
from sync.errors import Malformed
from sync.ledger.entry import leaf, leaf_hash, parse_leaf, row_leaf
from sync.ledger.judge import CLASH, MISSING, REWRITTEN, StoredRow, fsck
from sync.ledger.proofs import EMPTY_ROOT, root_of
from sync.ledger.tree import MemoryTiles, append, root
from tests.unit.sync_core.synthetic import Hall

COUNT = 1500


class Ledger:
    """A stored ledger to be damaged: rows, tiles, checkpoints every 100 entries."""

    def __init__(self, count: int = COUNT) -> None:
        self.rows: list[StoredRow] = []
        self.tiles = MemoryTiles()
        self.checkpoints = [(0, EMPTY_ROOT)]
        for row in _accesses()[:count]:
            encoded = row_leaf(row)
            self.rows.append((row.entry.index, encoded, leaf_hash(encoded), row.salt, row.detail))
        size = 0
        while size < count:
            size, changed = append(
                self.tiles, size, [row[2] for row in self.rows[size : min(size + 100, count)]]
            )
            self.tiles.update(changed)
            self.checkpoints.append((size, root(self.tiles, size)))

    def change(self, at: int, **parts: object) -> None:
        names = ("index", "leaf", "leaf_hash", "salt", "detail")
        self.rows[at] = tuple(  # type: ignore[assignment]  # a test may store what a database could
            parts.get(name, value) for name, value in zip(names, self.rows[at], strict=True)
        )

    def verdict(self) -> tuple[int | None, str]:
        found = fsck(self.rows, self.tiles, self.checkpoints)
        assert found.root == (root(self.tiles, found.entries) if found.entries <= COUNT else b"")
        return found.broken_at, found.reason


def _accesses() -> list[Row]:  # rows are values: made once
    if not _ROWS:
        _ROWS.extend(Hall(3).accesses(COUNT))
    return _ROWS


_ROWS: list[Row] = []


def test_a_whole_ledger_holds_with_and_without_its_details():
    ledger = Ledger()
    found = fsck(ledger.rows, ledger.tiles, ledger.checkpoints)
    assert (found.entries, found.root, found.broken_at, found.reason) == (
        COUNT,
        ledger.checkpoints[-1][1],
        None,
        "",
    )
    ledger.change(4, detail=None, salt=b"")
    assert ledger.verdict() == (None, "")
    assert fsck([], MemoryTiles(), []).root == EMPTY_ROOT


@pytest.mark.parametrize("at", [0, 255, 256, 700, COUNT - 1])
def test_an_altered_detail_is_named(at: int):
    ledger = Ledger()
    ledger.change(at, detail=cbor.encode(["someone else"]))
    assert ledger.verdict() == (at, "detail altered")


@pytest.mark.parametrize("at", [0, 256, 701])
def test_an_altered_leaf_is_named_also_when_its_hash_was_altered_with_it(at: int):
    ledger = Ledger()
    forged = _with_actor(ledger.rows[at][1], "nobody")
    ledger.change(at, leaf=forged)
    assert ledger.verdict() == (at, "leaf altered")
    ledger.change(at, leaf_hash=leaf_hash(forged))
    assert ledger.verdict() == (at, "leaf is not the one in the tree")


def test_a_leaf_rewritten_with_all_its_tiles_breaks_the_signed_root():
    ledger = Ledger()
    forged = _with_actor(ledger.rows[750][1], "nobody")
    ledger.change(750, leaf=forged, leaf_hash=leaf_hash(forged))
    ledger.tiles = MemoryTiles()
    ledger.tiles.update(append(ledger.tiles, 0, [row[2] for row in ledger.rows])[1])
    assert ledger.verdict() == (700, REWRITTEN)


def test_entries_missing_doubled_swapped_or_renumbered_are_named():
    for damage, expected in (
        (lambda rows: rows.pop(20), (20, "entry missing")),
        (lambda rows: rows.insert(20, rows[19]), (20, "entry doubled")),
        (lambda rows: rows.pop(), (COUNT - 1, MISSING)),
        (lambda rows: rows.clear(), (0, MISSING)),
    ):
        ledger = Ledger()
        damage(ledger.rows)
        assert ledger.verdict() == expected
    ledger = Ledger()
    for one, other in ((20, 21), (21, 20)):
        index, encoded, digest, salt, detail = _LEDGER.rows[other]
        ledger.rows[one] = (one, encoded, digest, salt, detail)
        assert index == other
    assert ledger.verdict() == (20, "leaf is not the one in the tree")


def test_an_entry_that_carries_another_index_is_named_even_when_signed():
    ledger = Ledger(3)
    entry, commitment = parse_leaf(ledger.rows[2][1])
    other = leaf(
        type(entry)(**{**{f: getattr(entry, f) for f in entry.__struct_fields__}, "index": 9}), commitment
    )
    for forged, reason in (
        (other, "entry renumbered"),
        (b"\xff", "leaf unreadable"),
        (b"\x80", "entry renumbered"),
    ):
        ledger.change(2, leaf=forged, leaf_hash=leaf_hash(forged))
        hashes = [row[2] for row in ledger.rows]
        tiles = MemoryTiles()
        tiles.update(append(tiles, 0, hashes)[1])
        found = fsck(ledger.rows, tiles, [(3, root_of(hashes))])
        assert (found.broken_at, found.reason) == (2, reason)


def _of(kind: int, ext: tuple[object, ...], signed_index: int = 1) -> tuple[list[StoredRow], MemoryTiles]:
    """A ledger of three entries, the middle one of this kind, with this `ext`, saying that index."""
    rows: list[StoredRow] = []
    for index, row in enumerate(_accesses()[:3]):
        entry = msgspec.structs.replace(row.entry, index=index)
        if index == 1:
            entry = msgspec.structs.replace(entry, kind=kind, ext=ext, index=signed_index)
        encoded = row_leaf(Row(entry, row.detail, row.salt))
        rows.append((index, encoded, leaf_hash(encoded), row.salt, row.detail))
    tiles = MemoryTiles()
    tiles.update(append(tiles, 0, [row[2] for row in rows])[1])
    return rows, tiles


@pytest.mark.parametrize("kind", [0, 23, 24, 255, 256, 2**31])
@pytest.mark.parametrize("ext", [(), ("x",), (("carried", "o/node/n/i1", 1, b"h" * 32),), (b"h" * 32, ())])
def test_a_leaf_of_any_kind_and_ext_is_told_from_one_of_another_index_or_detail(
    kind: int, ext: tuple[object, ...]
):
    rows, tiles = _of(kind, ext)
    assert fsck(rows, tiles, []).broken_at is None
    rows[1] = (*rows[1][:4], None)
    assert fsck(rows, tiles, []).broken_at is None
    rows[1] = (*rows[1][:4], cbor.encode(["someone else"]))
    assert (fsck(rows, tiles, []).broken_at, fsck(rows, tiles, []).reason) == (1, "detail altered")
    for other in (0, 2, 24, 300):
        rows, tiles = _of(kind, ext, other)
        assert (fsck(rows, tiles, []).broken_at, fsck(rows, tiles, []).reason) == (1, "entry renumbered")


def test_damaged_tiles_are_named_by_level():
    ledger = Ledger()
    ledger.tiles.tiles[0, 1] = _flipped(ledger.tiles.tiles[0, 1], 32 * 10)
    assert fsck(ledger.rows, ledger.tiles, []).broken_at == 256 + 10
    ledger = Ledger()
    ledger.tiles.tiles[1, 0] = _flipped(ledger.tiles.tiles[1, 0], 32 * 2)
    found = fsck(ledger.rows, ledger.tiles, [])
    assert (found.broken_at, found.reason) == (3 * 256 - 1, "tile 1/0 does not follow from its leaves")
    ledger = Ledger()
    ledger.tiles.tiles[0, 5] = ledger.tiles.tiles[0, 5][:-32]
    found = fsck(ledger.rows, ledger.tiles, [])
    assert (found.broken_at, found.reason) == (COUNT - 1, "leaf not in the tree")
    assert found.root == root_of([row[2] for row in ledger.rows[: COUNT - 1]])


def test_checkpoints_that_contradict_each_other_or_know_more_are_found():
    ledger = Ledger(300)
    ledger.checkpoints.insert(2, (100, ledger.checkpoints[1][1]))
    assert fsck(ledger.rows, ledger.tiles, ledger.checkpoints).broken_at is None
    ledger.checkpoints.insert(3, (100, hashlib.sha256(b"other").digest()))
    found = fsck(ledger.rows, ledger.tiles, ledger.checkpoints)
    assert (found.broken_at, found.reason) == (100, CLASH)
    ledger = Ledger(300)
    found = fsck(ledger.rows, ledger.tiles, [*ledger.checkpoints, (301, ledger.checkpoints[1][1])])
    assert (found.broken_at, found.reason) == (300, MISSING)
    found = fsck(ledger.rows, ledger.tiles, [(0, b"x" * 32)])
    assert (found.broken_at, found.entries) == (0, 0)
    with pytest.raises(Malformed):
        fsck(ledger.rows, ledger.tiles, [ledger.checkpoints[2], ledger.checkpoints[1]])


def _with_actor(encoded: bytes, actor: str) -> bytes:
    values = cbor.decode(encoded)
    values[7] = actor
    return cbor.encode(values)


def _flipped(tile: bytes, at: int) -> bytes:
    return tile[:at] + bytes([tile[at] ^ 1]) + tile[at + 1 :]


_LEDGER = Ledger()
