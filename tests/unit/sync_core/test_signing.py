"""Keys, COSE, sealing, certificates, request signatures."""

from __future__ import annotations

from typing import Any

import cbor2
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import BadSignature, LimitExceeded, Malformed, NotForUs, SyncError
from sync.limits import LIMITS
from sync.signing import cose, sealing
from sync.signing.certificate import (
    Certificate,
    check_valid,
    issue,
    open_certificate,
    vouch_text,
)
from sync.signing.keys import SealingKey, SigningKey, verify
from sync.signing.requests import authorise, check, read_header

KEY, OTHER = SigningKey.from_bytes(b"n" * 32), SigningKey.from_bytes(b"c" * 32)
SEAL = SealingKey.from_bytes(b"s" * 32)
ORIGIN = "qingzhou.example/node/330102/i1"
NOW = 1_795_219_200_000
CERTIFICATE = Certificate(
    origin=ORIGIN,
    signing=KEY.public,
    sealing=SEAL.public,
    scopes=("330102/detail",),
    kinds=("access",),
    not_before_ms=NOW,
    not_after_ms=NOW + 30 * 86_400_000,
    name="清河县市民之家",
    window_ms=3 * 86_400_000,
)


def test_keys_survive_as_bytes_and_show_nothing_of_themselves():
    for key in (SigningKey.generate(), SealingKey.generate()):
        again = type(key).from_bytes(key.seed())
        assert again.public == key.public
        assert key.seed().hex() not in repr(key)
        with pytest.raises(Malformed):
            type(key).from_bytes(b"short")


def test_a_signature_fits_one_message_and_one_key():
    signature = KEY.sign(b"message")
    verify(KEY.public, b"message", signature)
    for public, message, given_signature in (
        (KEY.public, b"other", signature),
        (OTHER.public, b"message", signature),
        (KEY.public, b"message", signature[:-1]),
        (b"short", b"message", signature),
    ):
        with pytest.raises(BadSignature):
            verify(public, message, given_signature)


@pytest.mark.parametrize("length", [0, 23, 24, 255, 256, 65_535, 65_536, 70_000])
def test_a_cose_message_is_plain_rfc_9052_and_opens_to_its_payload(length: int):
    message = cose.sign1(b"p" * length, KEY, b"kid", b"aad")
    tag = cbor2.loads(message)
    assert (tag.tag, cbor2.loads(tag.value[0]), tag.value[1], tag.value[2]) == (
        18,
        {1: -8, 4: b"kid"},
        {},
        b"p" * length,
    )
    verify(KEY.public, cbor2.dumps(["Signature1", tag.value[0], b"aad", tag.value[2]]), tag.value[3])
    assert cose.open1(message, {b"kid": KEY.public}, b"aad") == (b"kid", b"p" * length)
    assert cose.key_id(message) == b"kid"


def test_a_cose_message_under_another_key_id_key_or_aad_is_refused():
    message = cose.sign1(b"payload", KEY, b"kid", b"aad")
    for keys, aad in (({}, b"aad"), ({b"kid": OTHER.public}, b"aad"), ({b"kid": KEY.public}, b"")):
        with pytest.raises(BadSignature):
            cose.open1(message, keys, aad)


def test_cose_messages_have_limits():
    for payload, kid in ((b"p" * (LIMITS.signed_bytes + 1), b"kid"), (b"p", b"k" * 256)):
        with pytest.raises(LimitExceeded):
            cose.sign1(payload, KEY, kid)
    with pytest.raises(LimitExceeded):
        cose.open1(b"\xd2" * (LIMITS.signed_bytes + 1000), {})
    whole = cose.sign1(b"p" * LIMITS.signed_bytes, KEY, b"k" * 255)
    assert len(cose.open1(whole, {b"k" * 255: KEY.public})[1]) == LIMITS.signed_bytes


def _variant(
    protected: bytes, unprotected: object = None, signature: bytes = b"s" * 64, tag: int = 18
) -> bytes:
    encoded: bytes = cbor2.dumps(cbor2.CBORTag(tag, [protected, unprotected or {}, b"p", signature]))
    return encoded


PROTECTED = cbor2.dumps({1: -8, 4: b"kid"})


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xd2",
        b"\xd2\x84",
        b"\xd2\x84\x40",
        _variant(PROTECTED, tag=17),
        _variant(PROTECTED, {4: b"kid"}),
        _variant(cbor2.dumps({1: -7, 4: b"kid"})),
        _variant(cbor2.dumps({1: -8})),
        _variant(PROTECTED + b"x"),
        _variant(PROTECTED, signature=b"short"),
        _variant(PROTECTED) + b"x",
        _variant(PROTECTED)[:-1],
        b"\xd2\x84\x58\x04" + PROTECTED[:4],
        b"\xd2\x84\x82",
    ],
)
def test_other_shapes_of_cose_are_refused(message: bytes):
    with pytest.raises(Malformed):
        cose.open1(message, {b"kid": KEY.public})


MESSAGE = cose.sign1(b"payload", KEY, b"kid")


@given(st.integers(0, len(MESSAGE) - 1), st.integers(1, 255), st.binary(max_size=40))
def test_a_cose_message_with_any_byte_changed_or_any_other_bytes_is_refused(at: int, flip: int, junk: bytes):
    for data in (MESSAGE[:at] + bytes([MESSAGE[at] ^ flip]) + MESSAGE[at + 1 :], junk, b"\xd2\x84" + junk):
        with pytest.raises(SyncError):
            cose.open1(data, {b"kid": KEY.public})


def test_what_is_sealed_opens_only_with_the_key_the_info_and_the_aad_it_was_sealed_to():
    sealed = sealing.seal(SEAL.public, b"secret", b"info", b"aad")
    assert len(sealed) == len(b"secret") + sealing.OVERHEAD_BYTES
    assert sealing.unseal(SEAL, sealed, b"info", b"aad") == b"secret"
    for key, data, info, aad in (
        (SealingKey.generate(), sealed, b"info", b"aad"),
        (SEAL, sealed, b"other", b"aad"),
        (SEAL, sealed, b"info", b""),
        (SEAL, sealed, b"infoaad", b""),
        (SEAL, sealed[:-1], b"info", b"aad"),
        (SEAL, b"", b"info", b"aad"),
        (SEAL, b"\x00" * 60, b"info", b"aad"),
    ):
        with pytest.raises(NotForUs):
            sealing.unseal(key, data, info, aad)
    for public in (b"short", b"\x00" * 32):
        with pytest.raises(Malformed):
            sealing.seal(public, b"secret", b"info")


def test_a_shared_key_opens_only_the_same_counter_and_aad():
    sealed = sealing.aead_seal(b"k" * 32, 7, b"frame", b"aad")
    assert sealing.aead_open(b"k" * 32, 7, sealed, b"aad") == b"frame"
    for key, counter, data, aad in (
        (b"o" * 32, 7, sealed, b"aad"),
        (b"k" * 32, 8, sealed, b"aad"),
        (b"k" * 32, 7, sealed[:-1], b"aad"),
        (b"k" * 32, 7, b"", b"aad"),
        (b"k" * 32, 7, sealed, b""),
    ):
        with pytest.raises(BadSignature):
            sealing.aead_open(key, counter, data, aad)
    for key, counter in ((b"short", 0), (b"k" * 32, -1), (b"k" * 32, 2**64)):
        with pytest.raises(Malformed):
            sealing.aead_seal(key, counter, b"frame", b"")


def test_a_certificate_opens_as_issued_with_the_centres_vouch_for_the_token_key():
    found = open_certificate(issue(CERTIFICATE, OTHER), OTHER.public)
    verify(OTHER.public, vouch_text(ORIGIN, KEY.public, CERTIFICATE.not_after_ms), found.vouch)
    assert msgspec.structs.replace(found, vouch=b"") == CERTIFICATE


def test_a_certificate_of_another_centre_or_altered_or_with_a_false_vouch_is_refused():
    issued = issue(CERTIFICATE, OTHER)
    with pytest.raises(BadSignature):
        open_certificate(issued, KEY.public)
    with pytest.raises(BadSignature):
        open_certificate(issued.replace(b"330102/detail", b"330103/detail"), OTHER.public)
    payload = msgspec.json.encode(CERTIFICATE)
    with pytest.raises(BadSignature):
        open_certificate(cose.sign1(payload, OTHER, b"centre", b"yizhan/certificate/1"), OTHER.public)


def test_a_certificate_is_in_force_between_its_dates():
    check_valid(CERTIFICATE, NOW)
    check_valid(CERTIFICATE, CERTIFICATE.not_after_ms)
    for now_ms in (NOW - 1, CERTIFICATE.not_after_ms + 1):
        with pytest.raises(BadSignature):
            check_valid(CERTIFICATE, now_ms)


@pytest.mark.parametrize(
    "change",
    [{"origin": "nobody"}, {"signing": b"short"}, {"not_after_ms": NOW - 1}, {"window_ms": -1}, {"name": 5}],
)
def test_a_certificate_that_would_not_be_read_back_is_not_signed(change: dict[str, object]):
    with pytest.raises(Malformed):
        issue(msgspec.structs.replace(CERTIFICATE, **change), OTHER)


@given(st.binary(max_size=60))
def test_a_signed_payload_that_is_no_certificate_is_refused(payload: bytes):
    with pytest.raises(SyncError):
        open_certificate(cose.sign1(payload, OTHER, b"centre", b"yizhan/certificate/1"), OTHER.public)


REQUEST: dict[str, Any] = {"method": "POST", "path": "/api/exchange?x=1", "body": b"batch"}
HEADER = authorise(KEY, ORIGIN, **REQUEST, created_ms=NOW, nonce="n" * 22)


def test_a_signed_request_names_its_origin_and_its_nonce():
    assert check(HEADER, {ORIGIN: KEY.public}.get, **REQUEST, now_ms=NOW + 1000) == ORIGIN
    assert check(HEADER, {ORIGIN: KEY.public}.get, **(REQUEST | {"method": "post"}), now_ms=NOW) == ORIGIN
    assert (read_header(HEADER).nonce, read_header(HEADER).created_ms) == ("n" * 22, NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"method": "GET"},
        {"path": "/api/exchange"},
        {"body": b"other"},
        {"now_ms": NOW + LIMITS.request_skew_ms + 1},
        {"now_ms": NOW - LIMITS.request_skew_ms - 1},
        {"public_of": {}.get},
        {"public_of": {ORIGIN: OTHER.public}.get},
        {"header": HEADER.replace("i1,", "i2,"), "public_of": {ORIGIN.replace("i1", "i2"): KEY.public}.get},
        {"header": HEADER.replace("nnnn", "mmmm", 1)},
        {"header": HEADER.replace(f"={NOW}", f"={NOW + 1}")},
    ],
)
def test_a_request_changed_in_any_part_is_refused(change: dict[str, Any]):
    arguments: dict[str, Any] = {
        "header": HEADER,
        "public_of": {ORIGIN: KEY.public}.get,
        **REQUEST,
        "now_ms": NOW,
    } | change
    with pytest.raises(BadSignature):
        check(**arguments)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer x",
        HEADER + " ",
        HEADER.replace("Yizhan", "yizhan"),
        HEADER[:-1],
        HEADER.replace("origin", "from"),
    ],
)
def test_a_header_of_another_form_is_refused(header: str):
    with pytest.raises(Malformed):
        check(header, {ORIGIN: KEY.public}.get, **REQUEST, now_ms=NOW)


def test_a_request_the_header_cannot_carry_is_not_signed():
    for change in ({"nonce": "short"}, {"origin": "a b"}, {"created_ms": 0}, {"path": "/a\nb"}):
        arguments: dict[str, Any] = {
            "origin": ORIGIN,
            **REQUEST,
            "created_ms": NOW,
            "nonce": "n" * 22,
        } | change
        with pytest.raises(Malformed):
            authorise(KEY, **arguments)
