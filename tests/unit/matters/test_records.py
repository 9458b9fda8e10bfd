"""Records, facts, groups, ages and the life of a case."""

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matters.cases import STATE_WORDS, STATES, TRANSITIONS, first_state, move, public_words
from matters.freshness import BAND_WORDS, age_words, band, limits, span_words, use_words
from matters.groups import NOBODY_REPORTED, groups, record_line, shown_records
from matters.model import Refusal
from matters.records import (
    CATEGORIES,
    CATEGORY_WORDS,
    STATUS_WORDS,
    Record,
    SubjectRecord,
    compare,
    facts,
    facts_bytes,
    parse_facts,
    usable,
)
from tests.unit.matters.figures import MATTERS, WANG

replace = msgspec.structs.replace
NOW_MS = 1_795_240_800_000
TODAY = date(2026, 11, 21)
HOUR_MS = 3_600_000
SUBJECT = SubjectRecord(
    kind="natural",
    number=WANG.number,
    name=WANG.name,
    sex="1",
    birth=date(1962, 3, 7),
    region="330102001001",
    address="清州市清河县城关镇和平路1号",
    as_of_ms=NOW_MS - 2 * HOUR_MS,
    source="省人口库",
)
FINE = Record(
    id="R1",
    subject=WANG.number,
    category="penalty",
    title="违法建设处罚决定",
    fields={"罚款金额": "3000元", "履行情况": "已履行"},
    source="县住建局",
    decided_on=date(2025, 3, 1),
    as_of_ms=NOW_MS - 30 * HOUR_MS,
    openness="public",
    kept_until=date(2028, 3, 1),
    status="valid",
)
LICENCE = replace(
    FINE,
    id="R2",
    category="licence",
    title="驾驶证核发",
    source="县公安局",
    as_of_ms=NOW_MS - HOUR_MS,
    kept_until=None,
)
SELF = MATTERS["public-credit.self"]


def test_facts_are_the_same_bytes_whatever_the_order_of_records_and_fields_and_whatever_their_age():
    other = replace(FINE, fields=dict(reversed(FINE.fields.items())), as_of_ms=0)
    one = facts_bytes(facts(SUBJECT, [FINE, LICENCE]))
    two = facts_bytes(facts(replace(SUBJECT, as_of_ms=0, source="县公安局"), [LICENCE, other]))
    assert one == two
    assert parse_facts(one) == facts(SUBJECT, [FINE, LICENCE])


@pytest.mark.parametrize(
    "change",
    [
        {"title": "别的"},
        {"fields": {}},
        {"status": "objection"},
        {"kept_until": None},
        {"decided_on": TODAY},
        {"source": "别处"},
    ],
)
def test_any_change_of_a_fact_changes_the_bytes(change):
    assert facts_bytes(facts(SUBJECT, [FINE])) != facts_bytes(facts(SUBJECT, [replace(FINE, **change)]))


def test_nothing_changed_compares_to_nothing():
    assert compare(facts(SUBJECT, [FINE]), facts(SUBJECT, [replace(FINE, as_of_ms=5)])) == ()


def test_a_comparison_names_what_came_went_and_changed_without_values_of_the_person():
    old = facts(SUBJECT, [FINE, LICENCE])
    new = facts(
        replace(SUBJECT, address="新址9号", name="王建华"),
        [replace(FINE, status="repaired"), replace(FINE, id="R3", title="新处罚")],
    )
    told = [words.zh for words in compare(old, new)]
    assert told == [
        "基本信息变更：姓名或名称",
        "基本信息变更：住址",
        "新增行政处罚：新处罚",
        "撤下行政许可：驾驶证核发",
        "状态变更：违法建设处罚决定，由有效变为已修复",
    ]
    assert "王建华" not in "".join(told)


def test_a_changed_content_is_named_by_its_title():
    changed = compare(facts(SUBJECT, [FINE]), facts(SUBJECT, [replace(FINE, fields={"罚款金额": "1元"})]))
    assert [words.zh for words in changed] == ["内容变更：行政处罚：违法建设处罚决定"]


def test_a_record_is_not_used_after_its_keeping_time_nor_once_repaired():
    assert usable(FINE, date(2028, 3, 1))
    assert not usable(FINE, date(2028, 3, 2))
    assert usable(LICENCE, date(2099, 1, 1))
    assert not usable(replace(FINE, status="repaired"), TODAY)
    assert usable(replace(FINE, status="objection"), TODAY)


def test_every_category_status_state_and_band_has_words_in_both_languages():
    assert set(CATEGORY_WORDS) == set(CATEGORIES)
    assert set(STATE_WORDS) == set(STATES)
    for table in (CATEGORY_WORDS, STATUS_WORDS, STATE_WORDS, BAND_WORDS):
        assert all(words.zh and words.en for words in table.values())


def test_a_group_carries_its_lines_source_age_band_and_rule_of_use():
    found = {group.category: group for group in groups(SELF, SUBJECT, [FINE, LICENCE], NOW_MS)}
    assert tuple(found) == SELF.categories
    fine = found["penalty"]
    assert (fine.count, fine.band, fine.age_s, fine.source) == (1, "ageing", 30 * 3600, "县住建局")
    assert fine.lines == ("2025-03-01 · 违法建设处罚决定 · 罚款金额：3000元 · 履行情况：已履行 · 县住建局",)
    assert fine.rule.zh == "72 小时内可用，联网后由中心确认"
    assert found["licence"].band == "fresh"


def test_an_empty_group_says_none_with_the_age_of_the_subject():
    honour = next(group for group in groups(SELF, SUBJECT, [FINE], NOW_MS) if group.category == "honour")
    assert (honour.count, honour.lines) == (0, ())
    assert honour.source == NOBODY_REPORTED, "the population register says nothing about honours"
    assert honour.age_s == 2 * 3600


def test_an_expired_group_carries_no_lines():
    old = replace(FINE, as_of_ms=NOW_MS - 73 * HOUR_MS)
    penalty = next(group for group in groups(SELF, SUBJECT, [old], NOW_MS) if group.category == "penalty")
    assert (penalty.band, penalty.lines, penalty.count) == ("expired", (), 0)
    assert "不可用" in penalty.rule.zh


def test_the_oldest_report_gives_a_group_its_age_and_many_sources_are_counted():
    more = [replace(FINE, id=f"R{n}", source=f"部门{n}", as_of_ms=NOW_MS - n * HOUR_MS) for n in range(1, 4)]
    penalty = next(group for group in groups(SELF, SUBJECT, more, NOW_MS) if group.category == "penalty")
    assert penalty.age_s == 3 * 3600
    assert penalty.source == "部门1、部门2等3个部门"


def test_a_record_from_ahead_of_our_clock_has_no_negative_age():
    ahead = replace(FINE, as_of_ms=NOW_MS + HOUR_MS)
    penalty = next(group for group in groups(SELF, SUBJECT, [ahead], NOW_MS) if group.category == "penalty")
    assert (penalty.age_s, penalty.band) == (0, "fresh")


def test_only_what_may_be_shown_is_shown_and_an_objection_is_marked():
    hidden = [
        replace(FINE, id="gone", kept_until=date(2026, 11, 20)),
        replace(FINE, id="mended", status="repaired"),
        replace(FINE, id="closed", openness="authorised"),
    ]
    open_matter = MATTERS["public-credit.open"]
    assert [r.id for r in shown_records(open_matter, [*hidden, FINE], NOW_MS)] == ["R1"]
    assert [r.id for r in shown_records(SELF, [*hidden, FINE], NOW_MS)] == ["R1", "closed"]
    assert shown_records(open_matter, [replace(FINE, category="arrears")], NOW_MS) == ()
    assert record_line(replace(FINE, status="objection")).endswith("【异议处理中】")


def test_a_band_includes_its_limits():
    assert band(0, 60_000, 60, 120) == "fresh"
    assert band(0, 60_001, 60, 120) == "ageing"
    assert band(0, 120_000, 60, 120) == "ageing"
    assert band(0, 120_001, 60, 120) == "expired"


def test_limits_are_those_of_the_category_or_of_the_rest():
    assert limits(SELF, "judgment") == (43_200, 172_800)
    assert limits(SELF, "penalty") == (86_400, 259_200)


@pytest.mark.parametrize(
    ("age_s", "zh", "en"),
    [
        (-5, "刚刚", "just now"),
        (59, "刚刚", "just now"),
        (180, "3 分钟前", "3 min ago"),
        (3_600, "1 小时前", "1 h ago"),
        (4_680, "1 小时 18 分前", "1 h 18 min ago"),
        (190_800, "2 天 5 小时前", "2 d 5 h ago"),
    ],
)
def test_an_age_is_said_as_people_say_it(age_s, zh, en):
    assert (age_words(age_s).zh, age_words(age_s).en) == (zh, en)


def test_the_rule_of_use_follows_the_band():
    assert use_words("fresh", 1).zh == "可以使用"
    assert use_words("ageing", 30).zh == "仅当场有效"
    assert use_words("ageing", 5_400).zh == "1 小时 30 分内可用，联网后由中心确认"
    assert use_words("expired", 1).en.startswith("expired")
    assert span_words(172_800).zh == "2 天"


@given(st.sampled_from(STATES), st.sampled_from(STATES))
def test_a_case_moves_along_the_table_only(state, to):
    outcome = move(state, to)
    if to in TRANSITIONS[state]:
        assert outcome == to
    else:
        assert isinstance(outcome, Refusal)
        assert STATE_WORDS[state].zh in outcome.message.zh
        assert outcome.next.zh


def test_every_state_leads_to_closed_in_the_end():
    for state in STATES:
        reached: set[str] = {state}
        front: set[str] = {state}
        while front:
            front = {str(to) for name in front for to in TRANSITIONS[name]} - reached
            reached |= front
        assert "closed" in reached


def test_f010_without_the_line_a_matter_that_needs_it_is_queued_with_a_stated_reason():
    bureau = MATTERS["credit-bureau.self"]
    assert first_state(bureau, online=False) == "deferred"
    assert first_state(bureau, online=True) == "opened"
    assert first_state(SELF, online=False) == "opened"
    assert "联网" in bureau.refusal_offline.zh


@pytest.mark.parametrize(
    ("state", "sent", "confirmed", "zh"),
    [
        (None, False, False, "草稿"),
        ("opened", False, False, "已受理待上传"),
        ("handed-over", True, False, "已上传待确认"),
        ("deferred", True, True, "已上传待确认"),
        ("handed-over", True, True, "已办结"),
        ("refused", True, True, "已办结"),
    ],
)
def test_a_citizen_is_told_one_of_four_states(state, sent, confirmed, zh):
    assert public_words(state, sent=sent, confirmed=confirmed).zh == zh
