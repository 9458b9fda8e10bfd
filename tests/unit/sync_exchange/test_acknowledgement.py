"""The acknowledgement as bytes."""

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.batch.acknowledge import Acknowledgement, Directive, Successor, decode, encode
from sync.codec import cbor
from sync.codec.squeeze import squeeze
from sync.errors import LimitExceeded, Malformed, SyncError, UnknownVersion
from sync.signing.notes import cosign
from tests.unit.sync_exchange.world import CENTRE, HALL, START_MS, enrolled

FULL = Acknowledgement(
    origin=HALL,
    next=9,
    size=9,
    root=b"r" * 32,
    note=b"note",
    centre_checkpoint=b"centre",
    centre_old_size=4,
    centre_consistency=(b"c" * 32,),
    centre_hops=((5, (b"h" * 32,)),),
    centre_time_ms=START_MS,
    directives=(Directive(number=1, kind="policy", body={"settings": {"词": [1, None, 2.5]}}),),
    releases=(b"release",),
    scope_keys={"330102/detail": b"k" * 32, "330102/staff": b"s" * 32},
    leases=(b"lease",),
    rejected=((3, "why"),),
    window_ms=7,
    certificate=b"certificate",
    levelling=True,
    successors=(Successor(leaf=b"leaf", salt=b"salt", detail=b"detail", path=(b"p" * 32,)),),
)


def test_an_acknowledgement_with_everything_round_trips():
    assert decode(encode(FULL)) == FULL
    assert encode(decode(encode(FULL))) == encode(FULL)


def test_a_slim_acknowledgement_says_the_same_in_fewer_bytes():
    hall, centre = enrolled(700)
    centre.note_checkpoint()
    ours = cosign(hall.note_at(700), CENTRE, centre.signing_key)
    whole = msgspec.structs.replace(FULL, note=ours, centre_checkpoint=centre.note_at(centre.size))
    slim = encode(whole, CENTRE)
    assert decode(slim, CENTRE) == whole
    assert len(squeeze(slim)) <= len(squeeze(encode(whole))) - 60
    assert decode(encode(FULL, CENTRE), CENTRE) == FULL, "what is no note travels as it is"
    with pytest.raises(Malformed):
        decode(cbor.encode([2, *cbor.decode(slim)[1:5], [7], *cbor.decode(slim)[6:]]), CENTRE)


def test_an_acknowledgement_has_these_very_bytes():
    golden = encode(Acknowledgement(origin="a/node/b/i1", next=2, centre_time_ms=3))
    assert golden.hex() == "94016b612f6e6f64652f622f69310200404040008080038080808080" + "0040f480"


def test_an_acknowledgement_of_a_centre_before_its_ledger_had_incarnations_is_read():
    fields = cbor.decode(encode(FULL))[:-2]
    assert decode(cbor.encode(fields)) == msgspec.structs.replace(FULL, levelling=False, successors=())


def test_fields_a_newer_centre_appended_do_not_matter():
    assert decode(cbor.encode([*cbor.decode(encode(FULL)), "news"])) == FULL


@pytest.mark.parametrize(
    "change",
    [
        {"next": -1},
        {"note": b""},
        {"root": b"short"},
        {"root": b"", "note": b"", "size": 9},
        {"centre_old_size": -1},
    ],
)
def test_an_acknowledgement_that_contradicts_itself_is_malformed(change):
    with pytest.raises(Malformed):
        decode(encode(msgspec.structs.replace(FULL, **change)))


def test_a_directive_whose_body_is_no_json_object_is_malformed():
    fields = cbor.decode(encode(FULL))
    place = 1 + Acknowledgement.__struct_fields__.index("directives")
    for body in (b"[1]", b"{", base64.b64decode("/w==")):
        with pytest.raises(Malformed):
            decode(cbor.encode([*fields[:place], [[1, "policy", body]], *fields[place + 1 :]]))


def test_an_acknowledgement_of_another_version_or_too_long_is_refused():
    for fields in ([], [3]):
        with pytest.raises(UnknownVersion):
            decode(cbor.encode(fields))
    with pytest.raises(Malformed):
        decode(cbor.encode([1, HALL]))
    with pytest.raises(LimitExceeded):
        decode(bytes(9 * 1024 * 1024))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_never_an_acknowledgement_and_never_crash(data):
    with pytest.raises(SyncError):
        decode(data)
