"""Batches that are not what they say: nothing else than what was signed comes out."""

import hashlib

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.batch import frames as framing
from sync.batch.file import (
    Incoming,
    build_up,
    open_header,
    open_sealed,
)
from sync.batch.header import (
    AAD,
    CODEC_ZSTD,
    MAGIC,
    Header,
    content_of,
    header_length,
    sealed_for,
    sign_header,
)
from sync.codec import cbor
from sync.codec.rows import Rows
from sync.codec.squeeze import squeeze
from sync.errors import (
    BadSignature,
    LimitExceeded,
    Malformed,
    MissingDictionary,
    NotForUs,
    SyncError,
    UnknownVersion,
    WrongDestination,
    WrongOrigin,
)
from sync.limits import LIMITS
from sync.signing import cose
from sync.signing.keys import SigningKey
from sync.signing.notes import Checkpoint, checkpoint_text, sign_note
from sync.signing.sealing import aead_seal
from tests.unit.sync_exchange.opening import HALL_AND_CENTRE, SMALL, opened, resealed, rows_of, split
from tests.unit.sync_exchange.world import CENTRE, HALL, START_MS, Hall, enrolled


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
        ({"version": 3}, UnknownVersion),
        ({"schema": 2}, UnknownVersion),
        ({"codec": 9}, UnknownVersion),
        ({"dictionary": 4}, MissingDictionary),
        ({"kind": "sideways"}, Malformed),
        ({"batch_id": b"short"}, Malformed),
        ({"start": -1}, Malformed),
        ({"start": 9, "end": 3}, Malformed),
        ({"start": 2**48 + 1, "end": 2**48 + 1, "frames": 0}, Malformed),
        ({"cuts": (1,) * 5000}, LimitExceeded),
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


def test_a_file_that_ends_within_its_header_is_malformed():
    _, centre = HALL_AND_CENTRE
    for end in (0, 7, 8, 100):
        with pytest.raises(Malformed):
            open_header(SMALL[:end], centre.public_of)


def test_another_magic_is_another_file():
    _, centre = HALL_AND_CENTRE
    with pytest.raises(Malformed, match="not a batch"):
        open_header(b"YZB2" + SMALL[4:], centre.public_of)


def test_a_header_beyond_64_kib_is_not_signed():
    hall, centre = HALL_AND_CENTRE
    header = msgspec.structs.replace(
        open_header(SMALL, centre.public_of), statistics={f"s{number}": number for number in range(20_000)}
    )
    with pytest.raises(LimitExceeded):
        sign_header(header, hall.signing_key)


@pytest.mark.parametrize("content", [[1], [b"short", []], [bytes(32), [[b"x", 1]]], [bytes(32), 5]])
def test_keys_sealed_to_us_that_are_no_keys_are_malformed(content):
    hall, centre = HALL_AND_CENTRE
    header = open_header(SMALL, centre.public_of)
    sealed = sealed_for((centre.sealing_key.public,), header.batch_id, (HALL, CENTRE), cbor.encode(content))
    lying = msgspec.structs.replace(header, recipients=sealed)
    with pytest.raises(Malformed):
        opened(resealed(lying, split(SMALL)[1], hall.signing_key), centre)


def test_a_checkpoint_of_another_ledger_in_a_batch_of_ours_is_refused():
    hall, centre = HALL_AND_CENTRE
    other = sign_note(checkpoint_text(HALL.replace("i1", "i2"), 9, bytes(32)), HALL, hall.signing_key)
    lying = msgspec.structs.replace(open_header(SMALL, centre.public_of), checkpoint=other)
    with pytest.raises(WrongOrigin):
        opened(resealed(lying, split(SMALL)[1], hall.signing_key), centre)


PLACE = framing.Place(bound=bytes(32), number=0, first=0, count=3, last=True)


@pytest.mark.parametrize("plain", [b"", b"\0\0\0", b"\0\0\0\x05abcd"])
def test_a_sealed_frame_shorter_than_it_says_is_malformed(plain):
    sealed = aead_seal(bytes(32), 0, plain, PLACE.aad())
    with pytest.raises(Malformed):
        framing.open_frame(PLACE, bytes(32), sealed)


def test_a_frame_with_other_entries_than_announced_or_a_cut_proof_is_malformed():
    hall, _ = HALL_AND_CENTRE
    checkpoint = Checkpoint(origin=HALL, size=9, root=hall.root_at(9), signers=(HALL,))
    for rows, proof in ((hall.kept[1:4], b""), (hall.kept[:2], b""), (hall.kept[:3], b"x" * 33)):
        with pytest.raises(Malformed):
            framing.proven(PLACE, Rows.of(rows), proof, checkpoint)


def message_header(end: int, frames_count: int) -> Header:
    """The honest header of a message from the centre to the hall, under an all-zero content key."""
    hall, centre = HALL_AND_CENTRE
    header = open_header(SMALL, centre.public_of)
    publics = (hall.sealing_key.public,)
    return msgspec.structs.replace(
        header,
        kind="down",
        origin=CENTRE,
        destination=HALL,
        checkpoint=b"",
        codec=CODEC_ZSTD,
        start=0,
        end=end,
        frames=frames_count,
        recipients=sealed_for(publics, header.batch_id, (CENTRE, HALL), content_of(bytes(32))),
    )


def open_message(data: bytes) -> bytes:
    hall, centre = HALL_AND_CENTRE
    return open_sealed(data, hall.sealing_key, centre.public_of, kind="down", destination=HALL)[1]


@pytest.mark.parametrize("change", [{"packed": squeeze(b"ab")}, {"proof": bytes(32)}])
def test_a_message_whose_parts_are_not_what_the_header_says_is_malformed(change):
    _, centre = HALL_AND_CENTRE
    header = message_header(3, 1)
    place = msgspec.structs.replace(
        PLACE, bound=hashlib.sha256(sign_header(header, centre.signing_key)).digest()
    )
    good = framing.Packed(first=0, count=3, packed=squeeze(b"abc"))
    sealed = framing.seal_frame(place, bytes(32), good)
    assert open_message(resealed(header, sealed, centre.signing_key)) == b"abc"
    sealed = framing.seal_frame(place, bytes(32), msgspec.structs.replace(good, **change))
    with pytest.raises(SyncError, match="no part of a message"):
        open_message(resealed(header, sealed, centre.signing_key))


def test_a_message_beyond_the_limit_is_refused_before_its_frames():
    _, centre = HALL_AND_CENTRE
    with pytest.raises(LimitExceeded, match="kind down"):
        open_message(resealed(message_header(9 * 1024 * 1024, 36), b"", centre.signing_key))


def test_a_frame_that_says_it_is_huge_is_refused_by_its_length_alone():
    hall, centre = HALL_AND_CENTRE
    header = open_header(SMALL, centre.public_of)
    with pytest.raises(LimitExceeded, match="frame of"):
        rows_of(resealed(header, b"\x7f" + bytes(3), hall.signing_key), centre)
