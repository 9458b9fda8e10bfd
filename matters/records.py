"""Records about a subject, and the facts of a report in one canonical form.

Facts hold no ages: the same truth confirmed a day later has the same bytes, so digests of facts answer one
question only: did anything change?
"""

from collections.abc import Iterable
from datetime import date
from typing import Literal, get_args

import msgspec

from matters.model import Words

Category = Literal[
    "licence", "penalty", "judgment", "honour", "commitment", "registration", "arrears", "other"
]
Status = Literal["valid", "objection", "repaired"]
CATEGORIES: tuple[str, ...] = get_args(Category)

CATEGORY_WORDS: dict[str, Words] = {
    "licence": Words(zh="行政许可", en="Licences"),
    "penalty": Words(zh="行政处罚", en="Penalties"),
    "judgment": Words(zh="司法信息", en="Judgments"),
    "honour": Words(zh="守信激励", en="Honours"),
    "commitment": Words(zh="信用承诺", en="Credit commitments"),
    "registration": Words(zh="登记信息", en="Registrations"),
    "arrears": Words(zh="欠缴信息", en="Arrears"),
    "other": Words(zh="其他信息", en="Other"),
}

STATUS_WORDS: dict[str, Words] = {
    "valid": Words(zh="有效", en="valid"),
    "objection": Words(zh="异议处理中", en="under objection"),
    "repaired": Words(zh="已修复", en="repaired"),
}


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One record about a subject (its ID number or unified code); `as_of_ms` is its last report."""

    id: str
    subject: str
    category: Category
    title: str
    fields: dict[str, str]
    source: str
    decided_on: date
    as_of_ms: int
    openness: Literal["public", "authorised"]
    kept_until: date | None
    status: Status


class SubjectRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Who a subject is; `region` is the 12-digit residence code, `birth` is None for organisations."""

    kind: Literal["natural", "legal"]
    number: str
    name: str
    sex: str
    birth: date | None
    region: str
    address: str
    as_of_ms: int
    source: str


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A record without its age, fields in key order."""

    id: str
    category: str
    title: str
    fields: tuple[tuple[str, str], ...]
    source: str
    decided_on: date
    kept_until: date | None
    status: str


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a report says about a subject, in canonical order and without ages."""

    kind: str
    number: str
    name: str
    sex: str
    birth: date | None
    region: str
    address: str
    records: tuple[Fact, ...]


def facts(subject: SubjectRecord, records: Iterable[Record]) -> Facts:
    """The canonical facts: records sorted by category order, day (newest first), then id; no ages."""
    ordered = sorted(records, key=lambda r: (CATEGORIES.index(r.category), -r.decided_on.toordinal(), r.id))
    return Facts(
        kind=subject.kind,
        number=subject.number,
        name=subject.name,
        sex=subject.sex,
        birth=subject.birth,
        region=subject.region,
        address=subject.address,
        records=tuple(_fact(record) for record in ordered),
    )


def facts_bytes(value: Facts) -> bytes:
    """Deterministic JSON of facts, for digests and the report.issued entry."""
    return msgspec.json.encode(value, order="deterministic")


def parse_facts(data: bytes) -> Facts:
    """The inverse of `facts_bytes`; raises msgspec.ValidationError or DecodeError on anything else."""
    return msgspec.json.decode(data, type=Facts)


def usable(record: Record, today: date) -> bool:
    """May the record still be used? Not after its keeping time, not once repaired (NDRC Order 36)."""
    if record.status == "repaired":
        return False
    return record.kept_until is None or record.kept_until >= today


def compare(old: Facts, new: Facts) -> tuple[Words, ...]:
    """What changed from old to new, one sentence each, no values of the person; empty when nothing did."""
    before = {fact.id: fact for fact in old.records}
    after = {fact.id: fact for fact in new.records}
    changes = [_subject_change(name) for name in _SUBJECT_WORDS if getattr(old, name) != getattr(new, name)]
    changes += [_said("新增", "added", fact) for fact in new.records if fact.id not in before]
    changes += [_said("撤下", "no longer held", fact) for fact in old.records if fact.id not in after]
    changes += [
        _changed(before[fact.id], fact)
        for fact in new.records
        if fact.id in before and before[fact.id] != fact
    ]
    return tuple(changes)


_SUBJECT_WORDS = {
    "kind": Words(zh="主体类型", en="kind of subject"),
    "number": Words(zh="证件号码", en="number"),
    "name": Words(zh="姓名或名称", en="name"),
    "sex": Words(zh="性别", en="sex"),
    "birth": Words(zh="出生日期", en="birth date"),
    "region": Words(zh="所属区划", en="region"),
    "address": Words(zh="住址", en="address"),
}


def _fact(record: Record) -> Fact:
    return Fact(
        id=record.id,
        category=record.category,
        title=record.title,
        fields=tuple(sorted(record.fields.items())),
        source=record.source,
        decided_on=record.decided_on,
        kept_until=record.kept_until,
        status=record.status,
    )


def _subject_change(name: str) -> Words:
    words = _SUBJECT_WORDS[name]
    return Words(zh=f"基本信息变更：{words.zh}", en=f"Basic facts changed: {words.en}")


def _said(zh: str, en: str, fact: Fact) -> Words:
    category = CATEGORY_WORDS[fact.category]
    return Words(zh=f"{zh}{category.zh}：{fact.title}", en=f"{category.en} {en}: {fact.title}")


def _changed(old: Fact, new: Fact) -> Words:
    if old.status != new.status:
        was, now = STATUS_WORDS[old.status], STATUS_WORDS[new.status]
        return Words(
            zh=f"状态变更：{new.title}，由{was.zh}变为{now.zh}",
            en=f"Status changed: {new.title}, {was.en} to {now.en}",
        )
    return _said("内容变更：", "changed", new)
