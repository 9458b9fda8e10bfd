"""What a new incarnation says of the old one."""

import pytest

from sync.errors import Malformed
from sync.messages import registry
from sync.messages.incarnation import KIND, REASONS, Claim, Opening, detail, differs, known_lost, reason

OPENING = Opening(
    old_origin="qingzhou.example/node/330102/i1",
    countersigned=100,
    root="ab" * 32,
    reason="rollback",
    approved_by=("security", "system"),
    lost=20,
)


def test_a_rollback_and_a_clone_need_two_officers_and_every_other_reason_one():
    assert {row.code: row.officers for row in REASONS} == {
        "rollback": 2,
        "clone": 2,
        "disk-lost": 1,
        "key-compromised": 1,
        "planned": 1,
    }
    assert reason("clone").words[0] == "节点被克隆"
    with pytest.raises(Malformed):
        reason("boredom")


@pytest.mark.parametrize(
    ("claim", "held", "told", "lost"),
    [
        (
            Claim(size=50, anchored=120),
            100,
            0,
            20,
        ),  # an old image: the anchor remembers more than anybody has
        (Claim(size=120, anchored=120), 100, 0, 0),
        (Claim(), 100, 130, 30),  # a lost disk: the centre was told of 130 and has 100
        (Claim(), 100, 0, 0),
        (Claim(size=50), 100, 100, 0),
    ],
)
def test_entries_that_existed_and_nobody_has_are_counted_as_lost(claim, held, told, lost):
    assert known_lost(claim, held, told) == lost


def test_the_first_entry_says_what_the_officers_approved_and_a_difference_is_named():
    encoded = registry.encode_detail(KIND, detail(OPENING, 7))
    said = registry.decode_detail(registry.kind(KIND).number, encoded)
    assert differs(OPENING, said) == ""
    assert said["carried"] == 7
    for name in ("old_origin", "countersigned", "root", "reason", "approved_by", "lost"):
        assert differs(OPENING, said | {name: "other"}) == name
