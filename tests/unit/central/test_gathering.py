"""Effects from values the codec just encoded, and from details it never opened: one meaning."""

import pytest

from central.actions.effects import Rules, gather
from central.actions.gathered import Gathered, Source
from sync.codec import cbor
from sync.codec.columns import pack_frame, unpack_frame
from sync.codec.rows import Entry, FrameContext, Row
from sync.ids import subject_ref
from sync.messages import registry

KEY = b"j" * 32
CONTEXT = FrameContext(subject_key=KEY, salt_keys=((0, b"s" * 32),))
RULES = Rules(ref=lambda number: subject_ref(KEY, number), catalogue={})
NUMBER = "330102199001011234"
ACCESS = registry.encode_detail(
    "access.answered", {"subject_number": NUMBER, "matter": "public-credit.self", "case": "C-1", "note": ""}
)
LONGER = cbor.encode([*cbor.decode(ACCESS), "of a newer peer"])
TWO_READINGS = ACCESS.replace(b"\x63C-1", b"\x78\x03C-1")


def rows(*details: bytes) -> list[Row]:
    """Accesses with these details."""
    kind = registry.kind("access.answered").number
    return [
        Row(
            Entry(
                kind=kind, index=at, hlc_ms=at + 1, subject_ref=subject_ref(KEY, NUMBER), outcome="answered"
            ),
            detail,
            CONTEXT.salt(at),
        )
        for at, detail in enumerate(details)
    ]


def gathered(held: list[Row], *, with_values: bool) -> Gathered:
    """What a frame of these rows causes, from its values or from its details' bytes."""
    again = unpack_frame(pack_frame(held, CONTEXT), CONTEXT)
    assert again == held
    into = Gathered(source=Source(origin="o", node="n", arrived_ms=5))
    for row, fields in zip(again, again.fields, strict=True):
        gather(into.source, row.entry, b"h" * 32, row.detail, into, RULES, fields if with_values else None)
    return into


@pytest.mark.parametrize(
    "details",
    [
        [ACCESS, ACCESS],
        [ACCESS, LONGER],
        [cbor.encode([NUMBER])],
        [cbor.encode([[NUMBER], *cbor.decode(ACCESS)[1:]])],
        [cbor.encode([True, *cbor.decode(ACCESS)[1:]])],
        [b""],
        [b"\xff", ACCESS],
    ],
    ids=["whole", "newer", "short", "nested", "truth", "none", "garbage"],
)
def test_an_effect_is_the_same_from_values_and_from_bytes(details: list[bytes]) -> None:
    held = rows(*details)
    assert gathered(held, with_values=True) == gathered(held, with_values=False)


def test_a_detail_with_two_readings_has_no_effect_and_is_told() -> None:
    assert TWO_READINGS != ACCESS
    assert cbor.peek(TWO_READINGS) == cbor.decode(ACCESS)
    found = gathered(rows(ACCESS, TWO_READINGS), with_values=True)
    assert [access.idx for access in found.accesses] == [0]
    assert [(one.idx, one.reason.split(":")[0]) for one in found.rejected] == [(1, "detail")]
