"""Repairs, state files, withdrawals, and the order in which a reply comes into force (protocol section 5)."""

import hashlib

import msgspec
import pytest

from sync.batch.incoming import Incoming
from sync.batch.view import Wish
from sync.errors import Malformed, PackRefused
from sync.exchange.node import NodeExchange
from sync.exchange.steps import ApplyRelease, Deliver, FetchPack, OpenLease
from sync.messages.directives import Directive, urgent
from sync.packs import pack as packs
from sync.packs.pack import (
    PackRow,
    buckets,
    build,
    open_pack,
    open_state,
    root_of_buckets,
    row_digest,
    state_file,
)
from sync.packs.release import PackRef, open_release, plan, sign_release, withdrawal
from tests.unit.sync_exchange.test_node import release
from tests.unit.sync_exchange.test_packs import CENTRE_KEY, KEY, NOW, ONE, SCOPE, THREE, TWO, some_rows
from tests.unit.sync_exchange.world import CENTRE, START_MS, begun, enrolled, replied

ROWS = [row for row in some_rows(400) if row.ref[0] in {3, 200}]
REPAIR = build(SCOPE, "repair", ROWS, KEY, bytes([3, 200, 255]))
FIVE = PackRef(digest=REPAIR.digest, kind="repair", from_version=5, to_version=5, size=5, rows=REPAIR.rows)


def test_a_state_file_has_the_state_root_as_its_address_and_another_one_is_refused():
    hashes = buckets((row.ref, row_digest(row.ref, row.blob or b"")) for row in some_rows(40))
    data = state_file(hashes)
    root = root_of_buckets(hashes)
    assert (hashlib.sha256(data).digest(), len(data)) == (root, packs.STATE_BYTES)
    assert open_state(data, root) == hashes
    assert packs.static(data)
    for wrong in (data[:-1], data + b"x", data[:-1] + bytes([data[-1] ^ 1]), b""):
        with pytest.raises(PackRefused):
            open_state(wrong, root)


def test_a_repair_names_its_buckets_and_holds_no_row_of_another():
    assert packs.repaired(REPAIR.data) == bytes([3, 200, 255])
    assert list(open_pack(REPAIR.data, KEY, REPAIR.digest, scope=SCOPE, kind="repair")) == ROWS
    assert build(SCOPE, "repair", ROWS, KEY, bytes([3, 200])).digest != REPAIR.digest
    strange = build(SCOPE, "repair", [PackRow(ref=b"\x04", blob=b"x")], KEY, b"\x03")
    with pytest.raises(Malformed, match="another bucket"):
        list(open_pack(strange.data, KEY, strange.digest))
    for kind, named in (("repair", b""), ("base", b"\x03")):
        odd = build(SCOPE, kind, [], KEY, named)  # type: ignore[arg-type]  # the two kinds under test
        with pytest.raises(Malformed):
            open_pack(odd.data, KEY, odd.digest)


def test_a_repair_follows_the_way_from_what_is_held_and_is_nothing_to_a_new_node():
    mended = msgspec.structs.replace(NOW, packs=(*NOW.packs, FIVE))
    assert open_release(sign_release(mended, CENTRE_KEY), CENTRE_KEY.public) == mended
    assert plan(mended, 5) == [FIVE]
    assert plan(mended, 4) == [THREE, FIVE]
    assert plan(mended, 0) == [ONE, TWO, THREE]
    assert plan(mended, 2) == [ONE, TWO, THREE], "the base replaces everything anyway"


@pytest.mark.parametrize(
    "change", [{"to_version": 6}, {"from_version": 4}, {"from_version": 0, "to_version": 0}]
)
def test_a_repair_of_another_version_makes_a_release_a_mixed_one(change):
    wrong = msgspec.structs.replace(FIVE, **change)
    with pytest.raises(PackRefused):
        sign_release(msgspec.structs.replace(NOW, packs=(*NOW.packs, wrong)), CENTRE_KEY)


def test_a_withdrawal_has_no_packs_and_no_state_and_is_never_older_than_what_was_seen():
    word = withdrawal(SCOPE, "detail", 5, START_MS)
    assert open_release(sign_release(word, CENTRE_KEY), CENTRE_KEY.public) == word
    assert word.withdrawn
    assert plan(word, 5) == plan(word, 1) == []
    with pytest.raises(PackRefused, match="older"):
        plan(word, 6)
    with pytest.raises(PackRefused, match="withdraws a state"):
        sign_release(msgspec.structs.replace(word, state_root=bytes(32)), CENTRE_KEY)


def test_an_older_centres_release_without_an_end_is_read_as_one_without_an_end():
    signed = sign_release(msgspec.structs.replace(NOW, until_ms=START_MS), CENTRE_KEY)
    assert open_release(signed, CENTRE_KEY.public).until_ms == START_MS
    assert open_release(sign_release(NOW, CENTRE_KEY), CENTRE_KEY.public).until_ms == 0


@pytest.mark.parametrize("lacking", [b"", b"\x03\x07"])
def test_what_a_node_lacks_travels_in_its_wish_and_a_wish_without_is_as_it_always_was(lacking):
    hall, centre = enrolled(10)
    hall.wanted = [Wish("330102/detail", 2, lacking), Wish("330102/staff", 1)]
    (sent,) = begun(NodeExchange(hall))
    incoming = Incoming(sent.data, centre.sealing_key, centre.public_of, destination=CENTRE)
    assert incoming.header.needs == tuple(hall.wanted)
    assert msgspec.convert(["330102/detail", 2], Wish) == Wish("330102/detail", 2), "of an older node"


def test_rule_5_revocations_are_in_force_before_any_pack_of_the_reply_is_fetched():
    hall, centre = enrolled(10)
    hall.wanted = [Wish("330102/detail", 2), Wish("330104/detail", 4), Wish("330102/staff", 0)]
    letters = (
        Directive(number=1, kind="policy", body={"settings": {}}),
        Directive(number=2, kind="consent", body={"ref": "ab" * 16, "withdrawn": True}),
        Directive(number=3, kind="policy", body={"settings": {}}),
    )
    centre.extra = {
        "releases": (
            release("330102/detail", "detail", 3, centre.signing_key),
            release("330102/staff", "staff", 3, centre.signing_key),
            sign_release(withdrawal("330104/detail", "detail", 4, START_MS), centre.signing_key),
        ),
        "scope_keys": {"330102/detail": b"d" * 32},
        "directives": letters,
    }
    exchange = NodeExchange(hall)
    (first,) = begun(exchange)
    steps = replied(exchange, centre.answered(first.data))
    shown = [step for step in steps if isinstance(step, ApplyRelease | FetchPack | Deliver | OpenLease)]
    assert isinstance(shown[0], ApplyRelease)
    assert shown[0].release.withdrawn
    assert shown[1] == Deliver(directives=letters[:2]), "up to the last urgent letter, in their order"
    assert [getattr(step, "lane", None) for step in shown[2:]] == [1, None, None, 4, None]
    assert shown[4] == Deliver(directives=letters[2:])


def test_the_letters_before_an_urgent_one_go_with_it_and_without_one_none_goes_first():
    calm = Directive(number=1, kind="policy", body={})
    revoked = Directive(number=2, kind="revoked", body={})
    assert [urgent(()), urgent((calm,)), urgent((calm, revoked)), urgent((calm, revoked, calm))] == [
        0,
        0,
        2,
        2,
    ]
