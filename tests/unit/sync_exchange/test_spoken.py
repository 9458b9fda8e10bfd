"""A lease read over the phone: what is heard is what was said, and a slip of the tongue is named by its group."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.errors import BadSignature, LeaseRefused, Malformed
from sync.lease import spoken
from sync.lease.spoken import Spoken
from sync.signing.keys import SealingKey

NODE, CENTRE = SealingKey.from_bytes(bytes(range(32))), SealingKey.from_bytes(bytes(range(32, 64)))
ORIGIN = "qingzhou.example/node/330102/i1"
SCOPES = ("330102",)
KEY = spoken.key_of(NODE, CENTRE.public, ORIGIN)
SAID = Spoken(capabilities=("summary", "detail"), hour=25_000, hours=24, answers=500, boots=5, counter=7)
CODE = spoken.speak(SAID, KEY, ORIGIN, SCOPES)


def hear(text: str, origin: str = ORIGIN, scopes: tuple[str, ...] = SCOPES, key: bytes = KEY) -> Spoken:
    return spoken.hear(spoken.digits_of(text), key, origin, scopes)


grants = st.builds(
    Spoken,
    capabilities=st.sets(st.sampled_from(spoken.CAPABILITIES), min_size=1).map(
        lambda some: tuple(one for one in spoken.CAPABILITIES if one in some)
    ),
    hour=st.integers(0, (1 << 20) - 1),
    hours=st.integers(1, spoken.HOURS_MAX),
    answers=st.sampled_from(spoken.ANSWERS),
    boots=st.sampled_from(spoken.BOOTS),
    counter=st.integers(1, spoken.COUNTER_MAX),
)


@given(grants)
def test_what_is_heard_is_what_was_said(said: Spoken) -> None:
    code = spoken.speak(said, KEY, ORIGIN, SCOPES)
    assert len(code) <= 60
    assert hear(code) == said


def test_both_sides_come_to_the_same_key_and_nobody_else_does() -> None:
    assert spoken.key_of(CENTRE, NODE.public, ORIGIN) == KEY
    other = SealingKey.from_bytes(bytes(32))
    assert spoken.key_of(other, CENTRE.public, ORIGIN) != KEY
    assert spoken.key_of(NODE, CENTRE.public, ORIGIN[:-1] + "2") != KEY
    assert spoken.speak(SAID, KEY, ORIGIN, SCOPES) == CODE, "the same grant is the same code"


@pytest.mark.parametrize(
    "text", [CODE, CODE.replace(" ", "-"), CODE.replace(" ", "、"), CODE.replace("1", "１")]
)
def test_a_code_may_be_typed_with_any_separators(text: str) -> None:
    assert hear(text) == SAID


def test_every_single_wrong_digit_and_every_exchange_of_neighbours_is_named_by_its_group() -> None:
    digits = spoken.digits_of(CODE)
    for at in range(spoken.DIGITS):
        for other in set("0123456789") - {digits[at]}:
            assert spoken.wrong_groups(digits[:at] + other + digits[at + 1 :]) == (at // 6 + 1,)
        if at % 6 < 5 and digits[at] != digits[at + 1]:
            swapped = digits[:at] + digits[at + 1] + digits[at] + digits[at + 2 :]
            assert spoken.wrong_groups(swapped) == (at // 6 + 1,)


def test_two_groups_in_each_others_place_are_both_named() -> None:
    groups = CODE.split(" ")
    assert len(set(groups)) == len(groups)
    groups[2], groups[5] = groups[5], groups[2]
    assert spoken.wrong_groups("".join(groups)) == (3, 6)


@pytest.mark.parametrize("text", ["", "123", CODE[:-1], CODE + "1", CODE[:-1] + "x", "²" * 48])
def test_what_is_no_code_is_malformed(text: str) -> None:
    with pytest.raises(Malformed):
        hear(text)


def test_a_code_is_for_one_node_one_incarnation_and_its_scopes() -> None:
    elsewhere = "qingzhou.example/node/330104/i1"
    for origin, scopes, key in (
        (elsewhere, SCOPES, spoken.key_of(NODE, CENTRE.public, elsewhere)),
        (elsewhere, SCOPES, KEY),
        (ORIGIN, ("330104",), KEY),
        (ORIGIN, (), KEY),
        (ORIGIN, SCOPES, bytes(32)),
    ):
        with pytest.raises(BadSignature):
            hear(CODE, origin, scopes, key)


def test_a_forged_payload_with_right_check_digits_is_refused() -> None:
    forged = "".join(f"99999{spoken._check(place, '99999')}" for place in range(1, 9))
    assert spoken.wrong_groups(forged) == ()
    with pytest.raises(BadSignature):
        hear(forged)


@pytest.mark.parametrize(
    "more",
    [
        {"hours": 128},
        {"hours": 0},
        {"counter": 4096},
        {"counter": 0},
        {"answers": 3},
        {"boots": 4},
        {"capabilities": ()},
    ],
)
def test_what_cannot_be_said_in_a_code_is_refused(more: dict[str, object]) -> None:
    with pytest.raises(LeaseRefused):
        spoken.speak(msgspec.structs.replace(SAID, **more), KEY, ORIGIN, SCOPES)


def test_a_code_of_a_later_version_is_refused_as_such() -> None:
    payload = ((spoken.VERSION + 1) << 49 | 1).to_bytes(7, "big")
    with pytest.raises(LeaseRefused):
        spoken._spoken(payload)


def test_the_leases_of_a_code_are_bounded_by_it() -> None:
    (first, second) = SAID.leases(ORIGIN, SCOPES, policy=1)
    assert (first.capability, second.capability) == ("summary", "detail")
    assert first.not_after_ms - first.not_before_ms == 24 * spoken.HOUR_MS
    assert (first.answers, first.boots, first.id) == (500, 5, "spoken-7-summary-330102")
