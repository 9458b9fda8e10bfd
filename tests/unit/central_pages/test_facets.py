import pytest

from central.actions.views import TrailQuery
from central.pages import facets
from matters import ids

NOW_MS = 1_795_235_170_000  # 2026-11-21 12:26:10 in hall time
TODAY_MS = 1_795_190_400_000  # its first moment
DAY_MS = 86_400_000
NODES = {"清河县市民之家": "330102", "330102": "330102", "流动车07": "bus-07"}
NUMBER = "11010119900307123" + ids.resident_check("11010119900307123")
PURPOSE = "信访核查 XF-2026-118"


def read(start: TrailQuery | None = None, /, **values: str) -> facets.Asked:
    return facets.read(values, start, NODES, NOW_MS)


def test_a_search_starts_with_the_last_seven_days():
    asked = read()
    assert asked.query.since_ms == TODAY_MS - 6 * DAY_MS
    assert asked.errors == ()


@pytest.mark.parametrize(
    ("typed", "field", "value"),
    [
        ("谁:li.min", "actor", "li.min"),
        ("谁：li.min", "actor", "li.min"),
        ("who:li.min", "actor", "li.min"),
        ("li.min", "actor", "li.min"),
        ("方式:离线", "mode", "cached"),
        ("离线缓存", "mode", "cached"),
        ("how:online", "mode", "online"),
        ("节点:清河县市民之家", "node", "330102"),
        ("流动车07", "node", "bus-07"),
        ("结果:已拒绝", "outcome", "denied"),
        ("结果:card-expired", "outcome", "card-expired"),
        ("最近3天", "since_ms", TODAY_MS - 2 * DAY_MS),
        ("last30d", "since_ms", TODAY_MS - 29 * DAY_MS),
        ("自:2026-11-01", "since_ms", TODAY_MS - 20 * DAY_MS),
        ("至:2026-11-20", "until_ms", TODAY_MS - 1),
    ],
)
def test_g23_a_typed_facet_becomes_its_part_of_the_query(typed: str, field: str, value: object):
    asked = read(typed=typed)
    assert asked.errors == ()
    assert getattr(asked.query, field) == value


def test_a_day_alone_is_that_day_from_midnight_to_midnight():
    query = read(typed="2026-11-20").query
    assert (query.since_ms, query.until_ms) == (TODAY_MS - DAY_MS, TODAY_MS - 1)


def test_several_facets_stand_together():
    query = read(typed="谁:li.min 方式:离线 最近1天", node="330102").query
    assert (query.actor, query.mode, query.node, query.since_ms) == ("li.min", "cached", "330102", TODAY_MS)


def test_g23_a_number_without_a_purpose_is_refused_and_told():
    asked = read(typed=NUMBER)
    assert [error.field for error in asked.errors] == ["purpose"]


def test_a_purpose_of_a_few_letters_is_no_purpose():
    assert [error.field for error in read(number=NUMBER, purpose="核查").errors] == ["purpose"]
    assert read(number=NUMBER, purpose=PURPOSE).errors == ()


def test_a_number_in_small_letters_is_the_same_number():
    number = "11010119900307109" + ids.resident_check("11010119900307109")
    assert read(number=number.lower(), purpose=PURPOSE).query.subject_number == number


def test_a_number_with_a_wrong_check_digit_is_told_at_once():
    wrong = NUMBER[:-1] + ("0" if NUMBER[-1] != "0" else "1")
    asked = read(typed=wrong, purpose=PURPOSE)
    assert [error.field for error in asked.errors] == ["number"]
    assert asked.query.subject_number is None


def test_an_organisation_is_a_subject_too():
    code = "91330100MA27XXXX0" + ids.uscc_check("91330100MA27XXXX0")
    assert read(typed=code, purpose=PURPOSE).query.subject_number == code


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ("节点:不存在", "node"),
        ("方式:传真", "mode"),
        ("结果:也许", "outcome"),
        ("自:昨天", "since"),
        ("至:2026-13-40", "until"),
    ],
)
def test_what_cannot_be_read_is_an_error_of_its_field(typed: str, field: str):
    assert [error.field for error in read(typed=typed).errors] == [field]


def test_a_span_that_ends_before_it_starts_is_refused():
    assert [error.field for error in read(since="2026-11-20", until="2026-11-01").errors] == ["until"]


def test_everything_wrong_is_told_at_once():
    assert {error.field for error in read(typed=f"方式:传真 {NUMBER}", since="gestern").errors} == {
        "mode",
        "since",
        "purpose",
    }


def test_a_search_is_changed_by_adding_to_it_and_by_taking_away():
    first = read(typed="谁:li.min 方式:离线").query
    second = read(first, typed="节点:330102").query
    assert (second.actor, second.mode, second.node) == ("li.min", "cached", "330102")
    third = read(second, without="mode").query
    assert (third.actor, third.mode, third.node) == ("li.min", "", "330102")
    assert read(third, without="time").query.since_ms is None


def test_taking_the_person_away_takes_the_purpose_away():
    first = read(number=NUMBER, purpose=PURPOSE).query
    second = read(first, without="subject")
    assert (second.query.subject_number, second.query.purpose, second.errors) == (None, "", ())


def test_paging_on_changes_nothing_else():
    first = read(typed="谁:li.min").query
    second = read(first, before="48212").query
    assert (second.before, second.actor) == ("48212", "li.min")


def test_chips_say_the_query_and_never_the_number():
    query = read(typed="谁:li.min 方式:离线 节点:330102 结果:denied", number=NUMBER, purpose=PURPOSE).query
    found = facets.chips(query, {"330102": "清河县市民之家"}, NOW_MS)
    assert [chip.field for chip in found] == ["subject", "actor", "node", "time", "mode", "outcome"]
    assert NUMBER not in str(found)
    assert NUMBER[6:14] not in str(found)
    assert found[2].text.zh == "清河县市民之家"
    assert found[3].text.zh == "最近 7 天"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("最近1天", "今天"),
        ("2026-11-20", "2026-11-20"),
        ("自:2026-11-01 至:2026-11-05", "2026-11-01 – 2026-11-05"),
    ],
)
def test_a_time_is_said_as_people_say_it(typed: str, words: str):
    assert facets.chips(read(typed=typed).query, {}, NOW_MS)[0].text.zh == words
