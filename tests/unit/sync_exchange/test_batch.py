"""The batch file: what goes in comes out proven, and nothing else comes out."""

import hashlib
import io
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.batch import frames as framing
from sync.batch.file import (
    Incoming,
    build_sealed,
    build_up,
    frames,
    open_header,
    open_sealed,
    plan_up,
    write_up,
)
from sync.batch.header import AAD, MAGIC, Header, header_length, sign_header
from sync.batch.range_proof import check_range, leaf_hashes, prove
from sync.codec import cbor
from sync.errors import (
    BadSignature,
    Gap,
    InconsistentProof,
    LimitExceeded,
    Malformed,
    NotForUs,
    SyncError,
    UnknownVersion,
    WrongDestination,
    WrongOrigin,
)
from sync.ledger.entry import Row, leaf_hash, row_leaf
from sync.ledger.tree import MemoryTiles, append, root
from sync.limits import LIMITS
from sync.signing import cose
from sync.signing.keys import SealingKey, SigningKey
from tests.unit.sync_exchange.world import CENTRE, HALL, START_MS, SUBJECT_KEY, Centre, Hall, enrolled

HALL_AND_CENTRE = enrolled(9)
SMALL = build_up(HALL_AND_CENTRE[0], 0, 9, START_MS)


def opened(data: bytes, centre: Centre, **how) -> Incoming:
    return Incoming(data, centre.sealing_key, centre.public_of, destination=CENTRE, **how)


def rows_of(data: bytes, centre: Centre, **how) -> list[Row]:
    return [row for frame in opened(data, centre, **how).frames(SUBJECT_KEY) for row in frame.rows]


def resealed(header: Header, rest: bytes, key: SigningKey) -> bytes:
    """A file with another signed header over the same frames, its trailer made to fit."""
    body = sign_header(header, key) + rest
    return body + hashlib.sha256(body).digest()


def split(data: bytes) -> tuple[bytes, bytes]:
    """The signed header with its length, and everything between it and the trailer."""
    end = 8 + header_length(data[:8])
    return data[:end], data[end:-32]


def test_entries_come_out_as_they_went_in_with_their_leaves_and_hashes():
    hall, centre = enrolled(700)
    found = list(opened(build_up(hall, 0, 700, START_MS), centre).frames(SUBJECT_KEY))
    assert [row for frame in found for row in frame.rows] == hall.kept
    assert [(frame.first, len(frame.rows)) for frame in found] == [(0, 256), (256, 256), (512, 188)]
    assert [leaf for frame in found for leaf in frame.leaves] == [row_leaf(row) for row in hall.kept]
    assert [one for frame in found for one in frame.hashes] == leaf_hashes(hall.leaves, 0, 700)


def test_frames_are_cut_at_multiples_of_256_whatever_the_start():
    hall, centre = enrolled(900)
    found = list(opened(build_up(hall, 300, 800, START_MS), centre).frames(SUBJECT_KEY))
    assert [(frame.first, len(frame.rows)) for frame in found] == [(300, 212), (512, 256), (768, 32)]


def test_the_header_says_what_the_centre_must_know_and_the_contract_names_read_it():
    hall, centre = enrolled(300)
    data = build_up(hall, 100, 300, START_MS)
    header = open_header(data, centre.public_of)
    assert (header.origin, header.destination, header.kind) == (HALL, CENTRE, "up")
    assert (header.start, header.end, header.old_size, header.created_ms) == (100, 300, 100, START_MS)
    assert header.statistics == {"clock_state": 0, "disk_free_percent": 61}
    assert len(header.recipients) == 2
    lists = list(frames(data, header, centre.sealing_key, centre.public_of, SUBJECT_KEY))
    assert [row for rows in lists for row in rows] == hall.kept[100:]


def test_an_offer_without_entries_is_a_batch_too():
    hall, centre = enrolled(0)
    assert rows_of(build_up(hall, 0, 0, START_MS), centre) == []
    hall.work(5)
    assert rows_of(build_up(hall, 5, 5, START_MS), centre) == []


def test_centre_and_offline_recovery_key_can_open_it_and_nobody_else():
    _, centre = HALL_AND_CENTRE
    assert Incoming(SMALL, centre.recovery_key, centre.public_of, destination=CENTRE).header.end == 9
    with pytest.raises(NotForUs):
        Incoming(SMALL, SealingKey.generate(), centre.public_of, destination=CENTRE)


def test_the_carrier_reads_no_name_number_or_clerk_in_it():
    for secret in (b"li.min", b"public-credit", "李敏".encode(), b"33010219"):
        assert secret not in SMALL


def test_a_small_batch_cut_at_any_byte_is_refused_and_nothing_of_it_counts():
    _, centre = HALL_AND_CENTRE
    for end in range(len(SMALL)):
        with pytest.raises(SyncError):
            opened(SMALL[:end], centre)


def test_a_small_batch_altered_at_any_byte_is_refused_by_its_trailer():
    _, centre = HALL_AND_CENTRE
    for place in range(len(SMALL)):
        with pytest.raises(Malformed):
            opened(SMALL[:place] + bytes([SMALL[place] ^ 1]) + SMALL[place + 1 :], centre)


def test_behind_a_trailer_made_to_fit_every_altered_byte_is_still_refused():
    _, centre = HALL_AND_CENTRE
    body = SMALL[:-32]
    for place in range(len(body)):
        altered = body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
        with pytest.raises(SyncError):
            rows_of(altered + hashlib.sha256(altered).digest(), centre)


def test_any_prefix_of_frames_is_usable_and_known_to_be_incomplete():
    hall, centre = enrolled(700)
    data = build_up(hall, 0, 700, START_MS)
    counts = []
    for end in range(len(data), 0, -97):
        try:
            incoming = opened(data[:end], centre, prefix=True)
        except SyncError:
            break
        rows = [row for frame in incoming.frames(SUBJECT_KEY) for row in frame.rows]
        assert rows == hall.kept[: len(rows)]
        assert incoming.complete == (end == len(data))
        counts.append(len(rows))
    assert counts[0] == 700
    assert {256, 512, 0} <= set(counts)


def test_an_altered_frame_after_good_ones_is_refused_but_the_good_ones_stand():
    hall, centre = enrolled(700)
    data = bytearray(build_up(hall, 0, 700, START_MS))
    data[-50] ^= 1
    stream = opened(bytes(data), centre, prefix=True).frames(SUBJECT_KEY)
    assert next(stream).first == 0
    assert next(stream).first == 256
    with pytest.raises(BadSignature):
        next(stream)


def test_a_stream_is_read_in_small_parts_with_the_trailer_checked_at_the_end():
    hall, centre = enrolled(600)
    data = build_up(hall, 0, 600, START_MS)

    def trickle(source: io.BytesIO):
        return lambda size: source.read(min(size, 7))

    args = (centre.sealing_key, centre.public_of)
    whole = Incoming.from_stream(trickle(io.BytesIO(data)), *args, destination=CENTRE)
    assert sum(len(frame.rows) for frame in whole.frames(SUBJECT_KEY)) == 600
    assert whole.complete
    for wrong in (data[:-1] + b"x", data + b"x", data[:-1]):
        stream = Incoming.from_stream(trickle(io.BytesIO(wrong)), *args, destination=CENTRE)
        with pytest.raises(Malformed):
            list(stream.frames(SUBJECT_KEY))
        assert not stream.complete


def test_a_file_is_written_frame_by_frame():
    hall, centre = enrolled(700)
    parts = list(write_up(hall, plan_up(hall, 0, 700), START_MS))
    assert len(parts) == 1 + 3 + 1
    assert rows_of(b"".join(parts), centre) == hall.kept


def test_a_spent_budget_ends_the_batch_early_at_a_package():
    hall, centre = enrolled(1500)
    planned = plan_up(hall, 100, 1500, budget_bytes=1)
    assert planned.end == 256
    assert rows_of(b"".join(write_up(hall, planned, START_MS)), centre) == hall.kept[100:256]


def test_a_batch_for_another_centre_is_refused():
    _, centre = HALL_AND_CENTRE
    with pytest.raises(WrongDestination):
        Incoming(SMALL, centre.sealing_key, centre.public_of, destination="other.example/centre/main/i1")


def test_a_batch_of_an_unknown_or_revoked_node_is_refused():
    _, centre = HALL_AND_CENTRE
    with pytest.raises(BadSignature):
        Incoming(SMALL, centre.sealing_key, lambda _: None, destination=CENTRE)


def test_a_batch_signed_with_another_key_is_refused():
    _, centre = HALL_AND_CENTRE
    with pytest.raises(BadSignature):
        Incoming(SMALL, centre.sealing_key, lambda _: SigningKey.generate().public, destination=CENTRE)


def test_a_node_cannot_sign_a_batch_in_the_name_of_another():
    hall, centre = HALL_AND_CENTRE
    other = centre.enrol(Hall(centre, HALL.replace("330102", "330104")))
    header = msgspec.structs.replace(open_header(SMALL, centre.public_of), origin=other.origin)
    payload = cose.open1(
        sign_header(header, hall.signing_key)[8:], {other.origin.encode(): hall.signing_key.public}, AAD
    )[1]
    signed = cose.sign1(payload, hall.signing_key, HALL.encode(), AAD)
    data = MAGIC + len(signed).to_bytes(4, "big") + signed + split(SMALL)[1]
    with pytest.raises(BadSignature, match="another origin"):
        open_header(data, centre.public_of)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"version": 2}, UnknownVersion),
        ({"schema": 2}, UnknownVersion),
        ({"codec": 9}, UnknownVersion),
        ({"dictionary": 4}, UnknownVersion),
        ({"kind": "sideways"}, Malformed),
        ({"batch_id": b"short"}, Malformed),
        ({"start": -1}, Malformed),
        ({"start": 9, "end": 3}, Malformed),
        ({"end": 10}, Malformed),
        ({"end": 10**6}, LimitExceeded),
        ({"frames": 7}, Malformed),
        ({"cuts": (0,)}, Malformed),
        ({"cuts": (5,)}, Malformed),
        ({"checkpoint": b""}, Malformed),
        ({"checkpoint": b"nonsense"}, Malformed),
        ({"recipients": ()}, NotForUs),
        ({"consistency": (bytes(32),) * 131}, LimitExceeded),
    ],
)
def test_a_signed_header_that_lies_is_refused_before_any_frame(change, error):
    hall, centre = HALL_AND_CENTRE
    header = msgspec.structs.replace(open_header(SMALL, centre.public_of), **change)
    with pytest.raises(error):
        rows_of(resealed(header, split(SMALL)[1], hall.signing_key), centre)


def test_fields_a_newer_node_appended_to_the_header_do_not_matter():
    hall, centre = HALL_AND_CENTRE
    payload = cose.open1(split(SMALL)[0][8:], {HALL.encode(): hall.signing_key.public}, AAD)[1]
    signed = cose.sign1(
        cbor.encode([*cbor.decode(payload), "news", [1]]), hall.signing_key, HALL.encode(), AAD
    )
    data = MAGIC + len(signed).to_bytes(4, "big") + signed
    assert open_header(data, centre.public_of).end == 9


def test_a_header_that_is_signed_but_no_header_is_malformed():
    hall, centre = HALL_AND_CENTRE
    for fields in ([], ["x"], [1], [1, 2, 3]):
        signed = cose.sign1(cbor.encode(fields), hall.signing_key, HALL.encode(), AAD)
        with pytest.raises(Malformed):
            open_header(MAGIC + len(signed).to_bytes(4, "big") + signed, centre.public_of)


def test_a_huge_header_is_refused_by_its_length_alone():
    with pytest.raises(LimitExceeded):
        header_length(MAGIC + (LIMITS.header_bytes + 1).to_bytes(4, "big"))


def test_a_batch_beyond_the_size_limit_is_refused_unread():
    _, centre = HALL_AND_CENTRE
    with pytest.raises(LimitExceeded):
        opened(bytes(LIMITS.batch_bytes + 1), centre)


def test_frames_cannot_be_swapped_repeated_or_taken_from_another_batch():
    hall, centre = enrolled(512)
    data, other = (build_up(hall, 0, 512, START_MS) for _ in range(2))
    head, rest = split(data)
    length = 4 + int.from_bytes(rest[:4], "big")
    first, second = rest[:length], rest[length:]
    foreign = split(other)[1]
    for mixed in (second + first, first + first, first + foreign[len(foreign) - len(second) :]):
        body = head + mixed
        with pytest.raises(SyncError):
            rows_of(body + hashlib.sha256(body).digest(), centre)


def test_entries_the_ledger_never_hashed_cannot_be_sent():
    hall, _ = enrolled(300)
    entry = msgspec.structs.replace(hall.kept[270].entry, outcome="altered")
    hall.kept[270] = Row(entry, hall.kept[270].detail, hall.kept[270].salt)
    with pytest.raises(InconsistentProof, match="entry 270"):
        build_up(hall, 0, 300, START_MS)


def test_entries_whose_bodies_were_dropped_are_named_as_a_gap():
    hall, _ = enrolled(300)
    hall.kept = hall.kept[:290]
    with pytest.raises(Gap) as gap:
        build_up(hall, 0, 300, START_MS)
    assert gap.value.next == 256


def test_an_honest_seal_over_unsigned_entries_is_refused_by_the_range_proof():
    """A node whose key signs a frame with other entries than its own tree holds."""
    hall, centre = enrolled(20)
    liar, _ = enrolled(0)
    liar.work(20, seed=2)
    planned = plan_up(liar, 0, 20)
    forged = msgspec.structs.replace(planned, head=hall.checkpoint())
    with pytest.raises(InconsistentProof):
        rows_of(b"".join(write_up(hall, forged, START_MS)), centre)


def test_frames_that_do_not_fit_one_megabyte_are_halved_until_they_do():
    hall, centre = enrolled(0)
    rows = enrolled(40)[0].kept
    heavy = [Row(row.entry, cbor.encode([bytes([row.entry.index]) * 200_000]), row.salt) for row in rows]
    hall.add(heavy)
    data = build_up(hall, 0, 40, START_MS)
    found = list(opened(data, centre).frames(SUBJECT_KEY))
    assert [row for frame in found for row in frame.rows] == heavy
    assert all(len(frame.rows) <= 5 for frame in found)
    assert open_header(data, centre.public_of).cuts


def test_a_single_entry_too_large_to_travel_is_a_limit_not_a_loop():
    hall, _ = enrolled(0)
    row = enrolled(1)[0].kept[0]
    hall.add([Row(row.entry, cbor.encode([bytes(LIMITS.frame_output_bytes)]), row.salt)])
    with pytest.raises(LimitExceeded):
        build_up(hall, 0, 1, START_MS)


def test_salt_epochs_travel_with_the_content_key():
    hall, centre = enrolled(2100)
    assert rows_of(build_up(hall, 900, 2100, START_MS), centre) == hall.kept[900:]


def test_a_sealed_message_comes_back_to_its_addressee_only():
    hall, centre = HALL_AND_CENTRE
    for size in (0, 1, 300_000, 1_000_000):
        payload = bytes(size)
        data = centre_message(centre, hall, payload)
        header, found = open_sealed(
            data, hall.sealing_key, centre.public_of, kind="acknowledge", destination=HALL
        )
        assert found == payload
        assert header.origin == CENTRE
    with pytest.raises(NotForUs):
        open_sealed(data, centre.sealing_key, centre.public_of, kind="acknowledge", destination=HALL)
    with pytest.raises(WrongDestination):
        open_sealed(data, hall.sealing_key, centre.public_of, kind="acknowledge", destination=CENTRE)
    with pytest.raises(WrongOrigin):
        open_sealed(data, hall.sealing_key, centre.public_of, kind="down", destination=HALL)
    with pytest.raises(WrongOrigin):
        list(Incoming(data, hall.sealing_key, centre.public_of, destination=HALL).frames(SUBJECT_KEY))


def centre_message(centre: Centre, hall: Hall, payload: bytes) -> bytes:
    return build_sealed(
        "acknowledge",
        payload,
        origin=CENTRE,
        destination=HALL,
        key=centre.signing_key,
        recipients=(hall.sealing_key.public,),
        now_ms=START_MS,
    )


def test_entries_are_no_message_and_too_large_a_message_is_not_built():
    hall, centre = HALL_AND_CENTRE
    with pytest.raises(LimitExceeded):
        opened(SMALL, centre).payload()
    with pytest.raises(LimitExceeded):
        centre_message(centre, hall, bytes(9 * 1024 * 1024))


def test_a_frame_cannot_be_longer_than_its_limit():
    place = framing.Place(bound=bytes(32), number=0, first=0, count=1, last=True)
    packed = framing.Packed(first=0, count=1, packed=bytes(LIMITS.frame_bytes))
    with pytest.raises(LimitExceeded):
        framing.seal_frame(place, bytes(32), packed)


@settings(max_examples=300)
@given(st.binary(max_size=600))
def test_arbitrary_bytes_are_never_a_batch_and_never_crash(data):
    _, centre = HALL_AND_CENTRE
    head = split(SMALL)[0]
    for whole in (data, MAGIC + data, head + data):
        for how in ({}, {"prefix": True}):
            try:
                assert rows_of(whole, centre, **how) == []
            except SyncError:
                continue


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 900), st.data())
def test_every_range_of_every_tree_is_proven_and_no_other(size, data):
    hashes = [leaf_hash(bytes([number % 251, number % 7])) for number in range(size)]
    tiles = MemoryTiles()
    _, changed = append(tiles, 0, hashes)
    tiles.update(changed)
    start = data.draw(st.integers(0, size - 1))
    end = data.draw(st.integers(start + 1, size))
    proof, whole = prove(tiles, start, end, size), root(tiles, size)
    part = hashes[start:end]
    assert leaf_hashes(tiles, start, end) == part
    check_range(part, start, size, proof, whole)
    for wrong in ([*proof, bytes(32)], proof[:-1], [bytes(32), *proof[1:]], [b"short"]):
        if wrong != proof:
            with pytest.raises(InconsistentProof):
                check_range(part, start, size, wrong, whole)
    with pytest.raises(InconsistentProof):
        check_range([*part[:-1], bytes(32)], start, size, proof, whole)
    for low, high in pairwise([start, size + 1]):
        with pytest.raises(InconsistentProof):
            prove(tiles, low, high, size)


def test_tiles_that_are_not_held_give_no_proof():
    with pytest.raises(InconsistentProof):
        prove(MemoryTiles(), 0, 1, 300)
    with pytest.raises(InconsistentProof):
        leaf_hashes(MemoryTiles(), 0, 1)
