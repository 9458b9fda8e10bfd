"""Packs: sealed, content-addressed, streamed; releases: signed, only forward."""

import hashlib
from itertools import islice

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.codec import cbor
from sync.codec.squeeze import squeeze
from sync.errors import BadSignature, LimitExceeded, Malformed, PackRefused, SyncError
from sync.packs import pack as packs
from sync.packs.pack import PackRow, buckets, build, differing, open_pack, row_digest, state_root
from sync.packs.release import AAD, PackRef, Release, open_release, plan, sign_release
from sync.signing import cose
from sync.signing.keys import SigningKey
from sync.signing.sealing import aead_seal
from tests.unit.sync_exchange.world import START_MS, fixed_key

KEY = fixed_key("scope key")
SCOPE = "330102/detail"
CENTRE_KEY = SigningKey.from_bytes(fixed_key("centre"))


def some_rows(count: int, size: int = 300) -> list[PackRow]:
    refs = sorted(hashlib.sha256(str(number).encode()).digest()[:16] for number in range(count))
    return [PackRow(ref=ref, blob=ref * (size // 16)) for ref in refs]


def ref_of(sealed: packs.SealedPack, kind: packs.PackKind, old: int, new: int) -> PackRef:
    return PackRef(
        digest=sealed.digest,
        kind=kind,
        from_version=old,
        to_version=new,
        size=len(sealed.data),
        rows=sealed.rows,
    )


def release_of(version: int, refs: list[PackRef]) -> Release:
    return Release(
        scope=SCOPE,
        version=version,
        data_class="detail",
        packs=tuple(refs),
        state_root=bytes(32),
        as_of_ms=START_MS,
        created_ms=START_MS,
    )


BASE = build(SCOPE, "base", some_rows(40), KEY)


def test_a_pack_comes_back_row_by_row_and_its_address_is_the_digest_of_its_bytes():
    assert list(open_pack(BASE.data, KEY, BASE.digest, scope=SCOPE, kind="base")) == some_rows(40)
    assert BASE.digest == hashlib.sha256(BASE.data).digest()
    assert BASE.rows == 40


def test_a_delta_says_what_was_removed():
    rows = [PackRow(ref=b"\x01", blob=None), PackRow(ref=b"\x02", blob=b""), PackRow(ref=b"\x03", blob=b"x")]
    delta = build(SCOPE, "delta", rows, KEY)
    assert list(open_pack(delta.data, KEY, delta.digest)) == rows


def test_equal_rows_give_the_equal_pack_and_another_scope_another():
    assert build(SCOPE, "base", some_rows(40), KEY).digest == BASE.digest
    assert build("330104/detail", "base", some_rows(40), KEY).digest != BASE.digest
    assert build(SCOPE, "base", some_rows(40), fixed_key("other")).digest != BASE.digest


def test_a_carrier_reads_nothing_in_it():
    blob = "李敏 330102199003074516".encode()
    sealed = build(SCOPE, "base", [PackRow(ref=b"\x01" * 16, blob=blob)], KEY)
    assert blob not in sealed.data


def test_a_large_pack_is_read_with_one_chunk_in_memory():
    sealed = build(SCOPE, "base", (row for row in some_rows(4000, 1600)), KEY)
    assert sealed.rows == 4000
    rows = open_pack(sealed.data, KEY, sealed.digest)
    assert list(islice(rows, 3)) == some_rows(4000, 1600)[:3]


def test_every_altered_byte_and_every_cut_is_refused():
    for place in range(len(BASE.data)):
        altered = BASE.data[:place] + bytes([BASE.data[place] ^ 4]) + BASE.data[place + 1 :]
        with pytest.raises(PackRefused):
            open_pack(altered, KEY, BASE.digest)
        # Also when a lying list of addresses matches the altered bytes.
        for lying in (altered, BASE.data[:place]):
            with pytest.raises(SyncError):
                list(open_pack(lying, KEY, hashlib.sha256(lying).digest(), scope=SCOPE, kind="base"))


def test_a_pack_of_another_scope_kind_or_key_is_refused():
    with pytest.raises(PackRefused):
        open_pack(BASE.data, KEY, BASE.digest, scope="330104/detail")
    with pytest.raises(PackRefused):
        open_pack(BASE.data, KEY, BASE.digest, kind="delta")
    with pytest.raises(PackRefused):
        list(open_pack(BASE.data, fixed_key("other"), BASE.digest))


def test_rows_out_of_order_repeated_or_removed_from_a_base_are_a_bug_of_the_publisher():
    one, two = some_rows(2)
    for rows in (
        [two, one],
        [one, one],
        [PackRow(ref=b"", blob=b"x")],
        [PackRow(ref=bytes([1] * 65), blob=b"x")],
        [PackRow(ref=b"\x01", blob=None)],
    ):
        with pytest.raises(ValueError, match=r"row|base"):
            build(SCOPE, "base", rows, KEY)


def test_a_blob_beyond_the_limit_is_not_packed():
    with pytest.raises(ValueError, match="at most"):
        build(SCOPE, "base", [PackRow(ref=b"\x01", blob=bytes(packs.BLOB_BYTES_MAX + 1))], KEY)


def crafted(rows: int, raw: bytes, chunks: int = 1, kind: str = "base") -> bytes:
    """A pack with an honest seal and address over rows and counts of the forger's choice."""
    header = cbor.encode([1, SCOPE, kind, rows, chunks, bytes(16)])
    sealed = aead_seal(
        packs._pack_key(KEY, bytes(16)), 0, squeeze(raw), hashlib.sha256(header).digest() + bytes(4)
    )
    return b"YZP1" + len(header).to_bytes(4, "big") + header + len(sealed).to_bytes(4, "big") + sealed


ROW = b"\x01A\0\0\0\x02x"


@pytest.mark.parametrize(
    "data",
    [
        crafted(2, ROW + ROW),
        crafted(2, ROW),
        crafted(1, ROW) + b"tail",
        crafted(1, ROW[:-1]),
        crafted(1, ROW[:3]),
        crafted(1, b"\0" + ROW),
        crafted(1, b"\x01A\0\0\0\0"),
        crafted(1, ROW, chunks=2),
        crafted(1, ROW, kind="other"),
        b"YZP1" + bytes(3),
    ],
)
def test_an_honest_seal_over_rows_that_do_not_add_up_is_refused(data):
    good = crafted(1, ROW)
    assert [row.blob for row in open_pack(good, KEY, hashlib.sha256(good).digest())] == [b"x"]
    with pytest.raises(SyncError):
        list(open_pack(data, KEY, hashlib.sha256(data).digest()))


def test_counts_beyond_every_pack_are_a_limit():
    for data in (crafted(10**9, ROW), crafted(1, ROW, chunks=10**9)):
        with pytest.raises(LimitExceeded):
            open_pack(data, KEY, hashlib.sha256(data).digest())


def test_a_chunk_that_is_cut_or_says_it_is_huge_is_refused_by_its_length_alone():
    data = crafted(1, ROW)
    at = 8 + int.from_bytes(data[4:8], "big")
    huge = data[:at] + (5 << 20).to_bytes(4, "big") + bytes(5 << 20)
    for wrong in (data[:-3], huge):
        with pytest.raises(Malformed, match="is cut"):
            list(open_pack(wrong, KEY, hashlib.sha256(wrong).digest()))


def test_a_decompression_bomb_is_refused_before_it_expands():
    data = crafted(1, bytes(packs.CHUNK_BYTES_MAX + 1))
    with pytest.raises(LimitExceeded):
        list(open_pack(data, KEY, hashlib.sha256(data).digest()))


def test_a_pack_of_an_unknown_version_is_refused():
    header = cbor.encode([2, SCOPE, "base", 0, 0, bytes(16)])
    data = b"YZP1" + len(header).to_bytes(4, "big") + header
    with pytest.raises(PackRefused, match="version"):
        open_pack(data, KEY, hashlib.sha256(data).digest())


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_never_a_pack_and_never_crash(data):
    for whole in (data, b"YZP1" + data):
        with pytest.raises(SyncError):
            list(open_pack(whole, KEY, hashlib.sha256(whole).digest()))


@given(st.dictionaries(st.binary(min_size=1, max_size=20), st.none() | st.binary(max_size=200), max_size=30))
def test_any_rows_round_trip(table):
    rows = [PackRow(ref=ref, blob=table[ref]) for ref in sorted(table)]
    sealed = build(SCOPE, "delta", rows, KEY)
    assert list(open_pack(sealed.data, KEY, sealed.digest)) == rows


@given(st.permutations(range(60)))
def test_the_state_root_does_not_depend_on_order(order):
    pairs = [(row.ref, row_digest(row.ref, row.ref)) for row in some_rows(60)]
    assert state_root([pairs[place] for place in order]) == state_root(pairs)


def test_the_state_root_tells_a_changed_a_missing_and_a_moved_row_and_the_buckets_say_where():
    pairs = [(row.ref, row_digest(row.ref, row.ref)) for row in some_rows(60)]
    changed = [(pairs[0][0], bytes(32)), *pairs[1:]]
    moved = [(pairs[1][0], pairs[0][1]), (pairs[0][0], pairs[1][1]), *pairs[2:]]
    assert len({state_root(one) for one in (pairs, changed, pairs[1:], moved)}) == 4
    assert differing(buckets(pairs), buckets(changed)) == [pairs[0][0][0]]


def test_a_state_has_256_buckets_and_no_other_number():
    with pytest.raises(ValueError, match="255 buckets"):
        packs.root_of_buckets([bytes(32)] * 255)


def test_a_row_digest_cannot_shift_bytes_between_reference_and_content():
    assert row_digest(b"ab", b"c") != row_digest(b"a", b"bc")


ONE = ref_of(BASE, "base", 0, 3)
TWO = PackRef(digest=bytes(32), kind="delta", from_version=3, to_version=4, size=10, rows=1)
THREE = PackRef(digest=bytes(32), kind="delta", from_version=4, to_version=5, size=10, rows=1)
NOW = release_of(5, [ONE, TWO, THREE])


def test_a_signed_release_comes_back_and_a_forged_or_altered_one_does_not():
    signed = sign_release(NOW, CENTRE_KEY)
    assert open_release(signed, CENTRE_KEY.public) == NOW
    with pytest.raises(BadSignature):
        open_release(sign_release(NOW, SigningKey.generate()), CENTRE_KEY.public)
    for place in range(len(signed)):
        with pytest.raises(SyncError):
            open_release(signed[:place] + bytes([signed[place] ^ 1]) + signed[place + 1 :], CENTRE_KEY.public)


def test_a_new_node_takes_base_and_deltas_and_a_known_one_only_what_it_lacks():
    assert plan(NOW, 0) == [ONE, TWO, THREE]
    assert plan(NOW, 3) == [TWO, THREE]
    assert plan(NOW, 4) == [THREE]
    assert plan(NOW, 5) == []


def test_a_version_the_deltas_do_not_start_from_goes_back_to_the_base():
    assert plan(NOW, 2) == [ONE, TWO, THREE]


def test_a_set_that_leads_nowhere_is_refused_even_when_nobody_signed_it():
    with pytest.raises(PackRefused, match="nowhere"):
        plan(release_of(5, [THREE]), 3)


def test_the_way_with_fewer_bytes_is_taken():
    heavy = msgspec.structs.replace(TWO, size=10**9)
    direct = msgspec.structs.replace(ONE, to_version=5)
    assert plan(release_of(5, [direct, heavy, THREE]), 3) == [direct]


def test_an_older_release_is_refused():
    with pytest.raises(PackRefused, match="older"):
        plan(NOW, 6)


@pytest.mark.parametrize(
    "refs",
    [
        [TWO, THREE],
        [ONE, THREE],
        [ONE, TWO],
        [msgspec.structs.replace(ONE, from_version=1), TWO, THREE],
        [ONE, TWO, msgspec.structs.replace(THREE, to_version=6)],
        [ONE, TWO, THREE, msgspec.structs.replace(THREE, from_version=5, to_version=4)],
        [msgspec.structs.replace(ONE, digest=b"short"), TWO, THREE],
        [msgspec.structs.replace(ONE, kind="delta"), TWO, THREE],
    ],
)
def test_a_mixed_release_is_neither_signed_nor_opened(refs):
    with pytest.raises(PackRefused):
        sign_release(release_of(5, refs), CENTRE_KEY)


def test_a_release_out_of_bounds_or_of_an_unknown_version_is_refused():
    chain = tuple(msgspec.structs.replace(TWO, from_version=at, to_version=at + 1) for at in range(3, 260))
    changes: list[dict[str, object]] = [
        {"version": 0, "packs": ()},
        {"state_root": b"x"},
        {"version": 260, "packs": (ONE, *chain)},
    ]
    for change in changes:
        with pytest.raises(PackRefused):
            sign_release(msgspec.structs.replace(NOW, **change), CENTRE_KEY)
    full = cbor.decode(cose.open1(sign_release(NOW, CENTRE_KEY), {b"centre": CENTRE_KEY.public}, AAD)[1])
    short: list[list[object]] = [[2, *full[1:]], [1, SCOPE], []]
    for fields in short:
        signed = packs_signed(fields)
        with pytest.raises(PackRefused):
            open_release(signed, CENTRE_KEY.public)
    with pytest.raises(Malformed):
        open_release(packs_signed([1, SCOPE, 5, "detail", [[1]], bytes(32), 0, 0]), CENTRE_KEY.public)


def packs_signed(fields: list[object]) -> bytes:
    return cose.sign1(cbor.encode(fields), CENTRE_KEY, b"centre", AAD)
