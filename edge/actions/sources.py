"""Where an answer comes from: the centre first, within its deadline; then the cache, under a lease."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import structlog

from edge.actions import leases
from edge.actions.asking import Asked
from edge.actions.node import Node
from edge.errors import CentreRefused, CentreUnreachable, StoreTrouble
from edge.store.cache import Cached, look_up
from edge.store.reader import Reading
from matters.freshness import age_words
from matters.groups import Group, groups
from matters.model import Grant, Refusal, Words
from matters.quota import UnitsSpent
from matters.records import Record, SubjectRecord
from sync.errors import BadSignature, ClockApart, LimitExceeded, Malformed, NotForUs, SyncError
from sync.ids import subject_ref
from sync.lease.lease import LIVE, Lease

log = structlog.get_logger("answer")
GARBLED = {error.code for error in (BadSignature, ClockApart, LimitExceeded, Malformed, NotForUs)}
"""What the centre says of a question that the line spoilt: trouble of the line, never a no to the citizen."""
CENTRE_SOURCE = "中心平台（联网）"
BUREAU_WORDS = {
    "score": "评分",
    "accounts": "信贷账户数",
    "overdue": "逾期账户数",
    "queries": "近两年查询次数",
    "reference": "报告编号",
}


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """What is known about a subject, from where, as of when; `lease` only for cached answers.

    `spent`: the free units the centre knew to be used.
    """

    mode: str
    source: str
    as_of_ms: int
    subject: SubjectRecord
    records: tuple[Record, ...]
    groups: tuple[Group, ...]
    lease: Lease | None = None
    spent: tuple[UnitsSpent, ...] = ()
    accesses: tuple[dict[str, Any], ...] = ()
    silent: tuple[str, ...] = ()


class Later(msgspec.Struct, frozen=True, kw_only=True):
    """It cannot be answered now and becomes a promise; `words` say why."""

    words: Words
    code: str


class CentreAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """The centre's reply to one question; `bureau` and `accesses` only where the matter asks for them."""

    request_id: str
    as_of: int
    subject: SubjectRecord | None = None
    records: tuple[Record, ...] = ()
    spent: tuple[UnitsSpent, ...] = ()
    bureau: dict[str, Any] | None = None
    accesses: tuple[dict[str, Any], ...] | None = None
    silent: tuple[str, ...] = ()


async def ask_centre(node: Node, asked: Asked, grant: Grant) -> Held | Refusal | None:
    """What the centre says within its deadline; None where it is not asked or silent (`fall_back`).

    Nothing is recorded or shown here.
    """
    if asked.matter.offline == "local":
        return None
    try:
        return await _online(node, asked, grant)
    except CentreUnreachable as error:
        log.info("answer.offline", code=error.code, matter=asked.matter.code)
    except CentreRefused as error:
        if error.centre_code not in GARBLED:
            return _centre_said_no(error)
        log.warning("answer.offline", code=error.centre_code, matter=asked.matter.code)
    return None


def fall_back(node: Node, db: Reading, asked: Asked) -> Held | Later | Refusal:
    """What the matter's offline rule says when the centre is not asked or silent; nothing is recorded.

    Looked up where it is recorded: consent may be withdrawn, or a trip end, while a line is waited for.
    """
    if asked.matter.offline == "deferred":
        return Later(words=asked.matter.refusal_offline, code="needs-the-line")
    return _cached(node, db, asked)


def asks_centre(node: Node, asked: Asked) -> bool:
    """Whether the centre would be asked now: not for what is local, nor on a line known to be dead."""
    return asked.matter.offline != "local" and not node.uplink.breaker.open and bool(node.uplink.url)


async def _online(node: Node, asked: Asked, grant: Grant) -> Held:
    question = {
        "request_id": asked.request_id,
        "matter": asked.matter.code,
        "subject_number": asked.subject.number,
        "subject_name": asked.subject.name,
        "basis": grant.basis,
        "purpose": asked.purpose_code(grant.basis),
        "case": "",
        "actor": asked.session.staff,
        "window": asked.session.window,
    }
    deadline_s = node.settings.answer_deadline_ms / 1000
    try:
        raw = await node.uplink.ask(node.identity, question, deadline_s)
        reply = msgspec.convert(raw, CentreAnswer)
    except (SyncError, msgspec.ValidationError) as error:
        raise CentreUnreachable(f"reply of another form: {type(error).__name__}") from error
    return _held_online(asked, reply, node.now_ms())


def _held_online(asked: Asked, reply: CentreAnswer, now_ms: int) -> Held:
    """The centre's word is of now: what it holds counts as confirmed at `as_of`."""
    as_of_ms = min(reply.as_of, now_ms)
    subject = reply.subject or unknown_subject(asked, as_of_ms)
    records = (*reply.records, *_bureau_records(asked, reply.bureau, as_of_ms))
    known = _confirmed(stated(asked, Cached(subject=subject, records=records)), as_of_ms)
    return Held(
        mode="online",
        source=CENTRE_SOURCE,
        as_of_ms=as_of_ms,
        subject=known.subject,
        records=known.records,
        groups=groups(asked.matter, known.subject, known.records, max(now_ms, as_of_ms)),
        spent=reply.spent,
        accesses=reply.accesses or (),
        silent=reply.silent,
    )


def _bureau_records(asked: Asked, bureau: dict[str, Any] | None, as_of_ms: int) -> tuple[Record, ...]:
    """The bureau's report as one record, so that screen and paper need one shape only."""
    if not bureau:
        return ()
    named = {word: str(bureau[name]) for name, word in BUREAU_WORDS.items() if name in bureau}
    return (
        Record(
            id=f"bureau-{asked.request_id}",
            subject=asked.subject.number,
            category="other",
            title="个人信用报告",
            fields=named,
            source=str(bureau.get("source", "征信机构")),
            decided_on=datetime.fromtimestamp(as_of_ms / 1000, UTC).date(),
            as_of_ms=as_of_ms,
            openness="authorised",
            kept_until=None,
            status="valid",
        ),
    )


def unknown_subject(asked: Asked, as_of_ms: int) -> SubjectRecord:
    """A person the platform holds nothing about: known from the card alone."""
    party, read = asked.subject, asked.read
    own = read is not None and read.number == party.number
    return SubjectRecord(
        kind=party.kind,
        number=party.number,
        name=party.name,
        sex=read.sex if own and read else "",
        birth=read.birth if own and read else None,
        region=party.number[:6] if party.kind == "natural" else "",
        address="",
        as_of_ms=as_of_ms,
        source=CENTRE_SOURCE,
    )


def _cached(node: Node, db: Reading, asked: Asked) -> Held | Later | Refusal:
    """The cached answer, or why there is none: no lease, no row, nothing still usable."""
    ref = subject_ref(node.identity.subject_key, asked.subject.number)
    try:
        public = asked.matter.openness == "public"
        found = look_up(db, node.store.keyring, ref, public_only=public)
    except StoreTrouble as error:
        log.error("cache", code=error.code)  # noqa: TRY400 -- the trace may name rows
        node.doubted.add(ref)
        return Later(words=_not_here("本机缓存无法打开", "the cache cannot be opened"), code="cache-damaged")
    region = found[0].subject.region if found else node.settings.region
    allowed = leases.leave(db, node, region, asked.matter.capability)  # type: ignore[arg-type]  # the loader checked it
    if allowed is None or allowed[1] not in LIVE:
        return lease_refusal(asked, allowed[1] if allowed else "no-lease")
    if found is None:
        return Later(words=_not_here("本机未缓存该主体", "this node does not hold them"), code="not-cached")
    return _held_cached(node, db, asked, found, allowed[0].lease)


def _held_cached(
    node: Node, db: Reading, asked: Asked, found: tuple[Cached, str], lease: Lease
) -> Held | Later:
    cached, scope = found
    row = db.one("SELECT version, as_of_ms, until_ms FROM release_held WHERE scope = ?", (scope,))
    version, as_of_ms, until_ms = row or (0, 0, 0)
    if 0 < until_ms <= node.store.clock.interval().latest_ms:
        return Later(words=_not_here("本车线路数据已到期", "this trip's data have ended"), code="trip-ended")
    now_ms = node.now_ms()
    known = _confirmed(stated(asked, cached), as_of_ms)
    shown = groups(asked.matter, known.subject, known.records, now_ms)
    usable = [group for group in shown if group.band != "expired"]
    if not usable:
        return Later(words=_not_here("缓存数据已过期", "the cached data has expired"), code="cache-expired")
    return Held(
        mode="cached",
        source=f"本机缓存（{scope} 第{version}版）",
        as_of_ms=min(group.as_of_ms for group in usable),
        subject=known.subject,
        records=tuple(r for r in known.records if r.category in {group.category for group in usable}),
        groups=shown,
        lease=lease,
        spent=cached.spent,
    )


def stated(asked: Asked, known: Cached) -> Cached:
    """Where only what is public by law is shown, the subject is stated without sex, birth and address."""
    if asked.matter.openness != "public":
        return known
    subject = msgspec.structs.replace(known.subject, sex="", birth=None, address="")
    return msgspec.structs.replace(known, subject=subject)


def _confirmed(known: Cached, as_of_ms: int) -> Cached:
    """Ages run from the last report.

    What a release or a live reply still holds was reported again at its as-of.
    """
    replace = msgspec.structs.replace
    return Cached(
        subject=replace(known.subject, as_of_ms=max(known.subject.as_of_ms, as_of_ms)),
        records=tuple(replace(r, as_of_ms=max(r.as_of_ms, as_of_ms)) for r in known.records),
    )


def lease_refusal(asked: Asked, code: str) -> Refusal:
    """No answer from cache without a lease: the matter's own words, and how it comes back."""
    return Refusal(
        code=code,
        message=asked.matter.refusal_offline,
        rule="离线授权（中心签发）",
        next=Words(
            zh="请恢复网络，或导入中心签发的新授权；可先为申请人登记电话，联网后办理。",
            en="Restore the line or import a new lease; take a phone number so the case can be served later.",
        ),
    )


def _centre_said_no(error: CentreRefused) -> Refusal:
    return Refusal(code=error.centre_code, message=error.message, rule="中心规则", next=error.next)


def _not_here(zh: str, en: str) -> Words:
    return Words(
        zh=f"{zh}，暂不能离线答复；已登记申请，联网办好后会回电通知。",
        en=f"No answer offline: {en}. The request is registered; you are called when it is done.",
    )


def age_line(as_of_ms: int, now_ms: int) -> Words:
    """数据截至 … 前, for slips."""
    age = age_words(max(0, (now_ms - as_of_ms) // 1000))
    return Words(zh=f"数据截至：{age.zh}", en=f"Data as of: {age.en}")
