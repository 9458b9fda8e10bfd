"""Signed notes: what is accepted, what is passed over, what is refused."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.codec import cbor
from sync.errors import BadSignature, LimitExceeded, Malformed, SyncError
from sync.signing.keys import SigningKey
from sync.signing.notes import checkpoint_text, cosign, open_note, parse_vkey, sign_note, slim, vkey, whole

NODE, CENTRE = "qingzhou.example/node/330102/i1", "qingzhou.example/centre/main/i1"
NODE_KEY, CENTRE_KEY = SigningKey.from_bytes(b"n" * 32), SigningKey.from_bytes(b"c" * 32)
TRUSTED = {NODE: NODE_KEY.public, CENTRE: CENTRE_KEY.public}
ROOT = hashlib.sha256(b"root").digest()
TEXT = checkpoint_text(NODE, 4711, ROOT)
NOTE = sign_note(TEXT, NODE, NODE_KEY)


def test_a_note_is_text_an_empty_line_and_signatures_as_c2sp_says():
    lines = NOTE.decode().split("\n")
    assert lines[:4] == [NODE, "4711", base64.b64encode(ROOT).decode(), ""]
    assert lines[4].startswith(f"— {NODE} ")
    raw = base64.b64decode(lines[4].rpartition(" ")[2])
    assert raw[:4] == hashlib.sha256(NODE.encode() + b"\n\x01" + NODE_KEY.public).digest()[:4]
    assert raw[4:] == NODE_KEY.sign(TEXT.encode())
    assert lines[5:] == [""]


def test_a_note_opens_with_the_names_that_signed_it_and_cosigning_twice_changes_nothing():
    both = cosign(NOTE, CENTRE, CENTRE_KEY)
    assert cosign(both, CENTRE, CENTRE_KEY) == both
    found = open_note(both, TRUSTED)
    assert (found.origin, found.size, found.root, found.signers) == (NODE, 4711, ROOT, (NODE, CENTRE))
    assert open_note(both, {CENTRE: CENTRE_KEY.public}).signers == (CENTRE,)
    line = both[len(NOTE) :]
    assert open_note(both + line, TRUSTED).signers == (NODE, CENTRE)


def test_a_verifier_key_is_read_back_and_a_changed_one_refused():
    text = vkey(NODE, NODE_KEY.public)
    assert parse_vkey(text) == (NODE, NODE_KEY.public)
    name, digest, encoded = text.split("+")
    wrong = base64.b64encode(b"\x02" + NODE_KEY.public).decode()
    for other in (
        "",
        name,
        f"{name}+{digest}",
        f"other+{digest}+{encoded}",
        f"{name}+00000000+{encoded}",
        f"{name}+{digest}+{wrong}",
        f"{name}+{digest}+{encoded[:-4]}",
        f"{name}+{digest}+%%%",
        f"a b+{digest}+{encoded}",
    ):
        with pytest.raises(Malformed):
            parse_vkey(other)


def test_a_note_nobody_trusted_signed_and_one_with_a_false_line_are_refused():
    with pytest.raises(BadSignature):
        open_note(NOTE, {})
    with pytest.raises(BadSignature):
        open_note(NOTE, {NODE: CENTRE_KEY.public})
    other_size = NOTE.replace(b"4711", b"4712")
    with pytest.raises(BadSignature):
        open_note(other_size, TRUSTED)
    forged = cosign(other_size, CENTRE, CENTRE_KEY)
    with pytest.raises(BadSignature):
        open_note(forged, TRUSTED)


def _signed(text: str) -> bytes:
    return f"{text}\n".encode() + NOTE[len(TEXT) + 1 :]


@pytest.mark.parametrize(
    "note",
    [
        b"",
        b"\xff\n\nx\n",
        TEXT.encode(),
        NOTE[:-1],
        NOTE + b"\n",
        NOTE + b"- x y\n",
        NOTE + "— a+b AAAAAAAA\n".encode(),
        NOTE + "— a %%%%\n".encode(),
        NOTE + "— a AAAA\n".encode(),
        NOTE + "— a AAAAAAB=\n".encode(),
    ],
)
def test_bytes_that_are_no_note_are_refused(note: bytes):
    with pytest.raises(Malformed):
        open_note(note, TRUSTED)


@pytest.mark.parametrize(
    "text",
    [
        f"{NODE}\n4711\n",
        f"{NODE}\n04711\n{base64.b64encode(ROOT).decode()}\n",
        f"{NODE}\n-1\n{base64.b64encode(ROOT).decode()}\n",
        f"{NODE}\n4711\n{base64.b64encode(ROOT).decode()}\nextension\n",
        f"{NODE}\n4711\nAAAA\n",
        f"{NODE}\n4711\n%%%%\n",
        f"{NODE}\n{2**60}\n{base64.b64encode(ROOT).decode()}\n",
        f"a b\n4711\n{base64.b64encode(ROOT).decode()}\n",
    ],
)
def test_a_signed_text_that_is_no_checkpoint_is_refused(text: str):
    with pytest.raises(Malformed):
        open_note(sign_note(text, NODE, NODE_KEY), TRUSTED)


def test_notes_have_limits():
    with pytest.raises(LimitExceeded):
        open_note(NOTE + b"x" * 16_384, TRUSTED)
    with pytest.raises(LimitExceeded):
        open_note(NOTE + "— a AAAAAAAA\n".encode() * 16, TRUSTED)


def test_what_cannot_be_read_back_is_not_signed():
    for text in ("no end", "two\n\nparts\n"):
        with pytest.raises(Malformed):
            sign_note(text, NODE, NODE_KEY)
    for arguments in ((NODE, -1, ROOT), (NODE, 1, b"short"), ("a b", 1, ROOT), ("", 1, ROOT)):
        with pytest.raises(Malformed):
            checkpoint_text(*arguments)


@given(st.binary(max_size=300) | st.text(max_size=80).map(lambda text: _signed(text.replace("\ud800", ""))))
def test_any_bytes_open_or_are_refused(note: bytes):
    with pytest.raises(SyncError):
        open_note(note, TRUSTED)


@given(st.integers(0, len(NOTE) - 1), st.integers(0, 255))
def test_no_byte_of_a_note_can_change_what_it_says(at: int, byte: int):
    changed = NOTE[:at] + bytes([byte]) + NOTE[at + 1 :]
    try:
        found = open_note(changed, TRUSTED)
    except SyncError:
        return
    assert (found.origin, found.size, found.root) == (NODE, 4711, ROOT)
    assert changed == NOTE


def test_a_note_taken_apart_is_half_as_long_and_comes_back_the_same():
    names = (NODE, CENTRE)
    for note in (NOTE, cosign(NOTE, CENTRE, CENTRE_KEY)):
        parts = slim(note, names)
        assert len(cbor.encode([parts])) < len(note) * 0.6
        assert whole(cbor.decode(cbor.encode([parts]))[0], names) == note


@pytest.mark.parametrize(
    "note",
    [b"", b"\xff", NOTE + b"x", NOTE.replace(b"4711", b"04711"), cosign(NOTE, "stranger", CENTRE_KEY)],
)
def test_what_is_no_note_of_the_two_stays_as_it_is(note: bytes):
    assert slim(note, (NODE, CENTRE)) == note == whole(note, (NODE, CENTRE))


@given(
    st.recursive(
        st.none() | st.integers() | st.binary(max_size=9) | st.text(max_size=9), st.lists, max_leaves=9
    )
)
def test_whatever_is_no_note_taken_apart_is_refused(value):
    with pytest.raises(Malformed):
        whole([value], (NODE, CENTRE))
    for place in (-1, 2):
        with pytest.raises(Malformed):
            whole([place, 4711, ROOT, []], (NODE, CENTRE))
