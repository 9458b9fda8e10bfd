"""Slim batches: fewer bytes for what both ends know, the same entries proven in the same way."""

import msgspec
import pytest

from sync.batch.file import build_up, open_header, plan_up, write_up
from sync.batch.header import PLAIN, SLIM, STATISTICS, Header
from sync.codec.squeeze import NEWEST
from sync.errors import InconsistentProof, Malformed, MissingDictionary, SyncError
from sync.signing.notes import cosign
from tests.unit.sync_exchange.opening import opened, resealed, rows_of, split
from tests.unit.sync_exchange.world import HALL, START_MS, SUBJECT_KEY, Hall, enrolled


def slim(hall: Hall, start: int, end: int) -> bytes:
    return b"".join(write_up(hall, plan_up(hall, start, end, version=SLIM), START_MS))


@pytest.mark.parametrize(
    ("start", "end"), [(0, 1), (699, 700), (690, 700), (512, 700), (256, 300), (100, 700), (700, 700)]
)
def test_a_slim_batch_gives_the_same_entries_in_fewer_bytes(start: int, end: int):
    hall, centre = enrolled(700)
    data = slim(hall, start, end)
    assert rows_of(data, centre) == hall.kept[start:end]
    assert len(data) < len(build_up(hall, start, end, START_MS))


def test_a_slim_header_says_what_the_plain_one_says():
    hall, centre = enrolled(700)
    hall.counted = {"clock": 2, STATISTICS[-1]: 7, "of-tomorrow": 1}
    headers = [
        open_header(data, centre.public_of)
        for data in (slim(hall, 650, 700), build_up(hall, 650, 700, START_MS))
    ]
    said = [
        msgspec.structs.replace(one, batch_id=b"", recipients=(), version=0, dictionary=0) for one in headers
    ]
    assert said[0] == said[1]
    assert (headers[0].version, headers[0].dictionary) == (SLIM, NEWEST)
    assert (headers[1].version, headers[1].dictionary) == (PLAIN, 0)


def test_a_single_entry_with_everything_that_proves_it_costs_three_quarters_of_the_plain_form():
    hall, centre = enrolled(5000)
    centre.note_checkpoint()
    hall.seen_note = cosign(centre.note_at(centre.size), HALL, hall.signing_key)
    assert len(slim(hall, 4999, 5000)) <= len(build_up(hall, 4999, 5000, START_MS)) * 0.75


def test_an_unsigned_entry_in_a_frame_without_a_proof_of_its_own_is_refused():
    hall, centre = enrolled(700)
    liar, _ = enrolled(0)
    liar.work(700, seed=2)
    planned = plan_up(liar, 690, 700, version=SLIM)
    forged = msgspec.structs.replace(
        planned,
        head=hall.checkpoint(),
        frames=tuple(msgspec.structs.replace(one, proof=b"") for one in planned.frames),
    )
    with pytest.raises(InconsistentProof):
        rows_of(b"".join(write_up(hall, forged, START_MS)), centre)


def test_a_dictionary_the_reader_lacks_is_refused_before_a_frame_is_opened():
    hall, centre = enrolled(9)
    data = build_up(hall, 0, 9, START_MS)
    for number in (NEWEST + 1, -1):
        header = msgspec.structs.replace(open_header(data, centre.public_of), dictionary=number)
        with pytest.raises(MissingDictionary):
            opened(resealed(header, split(data)[1], hall.signing_key), centre)


def test_a_statistic_without_a_name_is_malformed():
    hall, centre = enrolled(9)
    data = slim(hall, 0, 9)
    header: Header = open_header(data, centre.public_of)
    wrong = msgspec.structs.replace(header, statistics={len(STATISTICS): 1})
    with pytest.raises(Malformed):
        opened(resealed(wrong, split(data)[1], hall.signing_key), centre)


def test_a_slim_batch_cut_anywhere_gives_what_was_whole_or_a_stated_refusal():
    hall, centre = enrolled(300)
    data = slim(hall, 200, 300)
    for end in range(0, len(data), 97):
        with pytest.raises(SyncError):
            rows_of(data[:end], centre)
        found: list[object] = []
        try:
            for frame in opened(data[:end], centre, prefix=True).frames(SUBJECT_KEY):
                found += frame.rows
        except SyncError:
            assert not found
        assert found == hall.kept[200 : 200 + len(found)]
