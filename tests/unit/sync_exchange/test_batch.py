"""The batch file: what goes in comes out proven."""

import hashlib
import io

import msgspec
import pytest

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
from sync.codec import cbor
from sync.errors import (
    BadSignature,
    Gap,
    InconsistentProof,
    LimitExceeded,
    Malformed,
    NotForUs,
    SyncError,
    WrongDestination,
    WrongOrigin,
)
from sync.ledger.entry import Row, row_leaf
from sync.ledger.tree import Reader
from sync.limits import LIMITS
from sync.signing.keys import SealingKey
from tests.unit.sync_exchange.opening import HALL_AND_CENTRE, SMALL, opened, rows_of
from tests.unit.sync_exchange.world import CENTRE, HALL, START_MS, SUBJECT_KEY, Centre, Hall, enrolled


def test_entries_come_out_as_they_went_in_with_their_leaves_and_hashes():
    hall, centre = enrolled(700)
    found = list(opened(build_up(hall, 0, 700, START_MS), centre).frames(SUBJECT_KEY))
    assert [row for frame in found for row in frame.rows] == hall.kept
    assert [(frame.first, len(frame.rows)) for frame in found] == [(0, 256), (256, 256), (512, 188)]
    assert [leaf for frame in found for leaf in frame.leaves] == [row_leaf(row) for row in hall.kept]
    assert [one for frame in found for one in frame.hashes] == Reader(hall.leaves).leaves(0, 700)


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


@pytest.mark.parametrize("start", [0, 100, 256])
def test_smaller_frames_are_read_by_every_reader_and_stand_alone(start: int):
    hall, centre = enrolled(700)
    planned = plan_up(hall, start, 700, frame_entries=64)
    assert {one.first % 64 for one in planned.frames[1:]} == {0}
    data = b"".join(write_up(hall, planned, START_MS))
    assert rows_of(data, centre) == hall.kept[start:]
    cut = list(opened(data[:-60], centre, prefix=True).frames(SUBJECT_KEY))
    assert [row for frame in cut for row in frame.rows] == hall.kept[start : 700 // 64 * 64]


def test_g08_a_spent_budget_ends_the_batch_early_at_a_package():
    hall, centre = enrolled(1500)
    planned = plan_up(hall, 100, 1500, budget_bytes=1)
    assert planned.end == 256
    assert rows_of(b"".join(write_up(hall, planned, START_MS)), centre) == hall.kept[100:256]


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
