"""The trail's search box: typed facets become one frozen query, and the query becomes chips again. Pure."""

import re
from collections.abc import Mapping
from datetime import date, timedelta

import msgspec

from central.actions.views import TrailQuery
from central.pages import vocabulary
from central.pages.views import Facet, FormError
from matters import ids
from matters.calendar import china_day, china_ms
from matters.model import Refusal, Words

DAY_MS = 86_400_000
DEFAULT_DAYS = 7
PURPOSE_LETTERS_MIN = 10
TYPED_LETTERS_MAX = 400

PREFIXES = {
    "subject": ("对象", "号码", "subject", "whom"),
    "actor": ("谁", "人员", "actor", "who"),
    "node": ("节点", "大厅", "车", "node", "where"),
    "since": ("自", "从", "since", "from"),
    "until": ("至", "到", "until", "to"),
    "mode": ("方式", "mode", "how"),
    "outcome": ("结果", "outcome"),
}
"""Facet → the words that may stand before its colon."""

_FACET_OF = {prefix: facet for facet, prefixes in PREFIXES.items() for prefix in prefixes}
_LAST_DAYS = re.compile(r"^(?:最近|last)?(\d{1,3})(?:天|d|days)$", re.IGNORECASE)
_NUMBER = re.compile(r"^[0-9A-Z]{17}[0-9A-Z]$", re.IGNORECASE)
_CODE = re.compile(r"^[a-z]+(-[a-z]+)+$")  # a refusal's code, as card-expired
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")

Change = dict[str, str | int | None]


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A search as read from the form; with errors nothing may be searched."""

    query: TrailQuery
    errors: tuple[FormError, ...]


def first_query(now_ms: int) -> TrailQuery:
    """What the page starts from: the last seven days."""
    return TrailQuery(since_ms=_day_start(china_day(now_ms) - timedelta(days=DEFAULT_DAYS - 1)))


def read(
    values: Mapping[str, str], before: TrailQuery | None, nodes: Mapping[str, str], now_ms: int
) -> Asked:
    """Step 1 what stood before, 2 less what was taken away, 3 the fields, 4 the typed words, 5 the checks.

    `values` is the form; `before` the search this one changes; `nodes` maps node names and ids to ids.
    """
    query = before or first_query(now_ms)
    if before is None and values.get("span") == "all":
        query = msgspec.structs.replace(query, since_ms=None)
    query = msgspec.structs.replace(query, **_without(values.get("without", "")))
    errors: list[FormError] = []
    fields = {"subject": values.get("number", ""), **{name: values.get(name, "") for name in _FIELDS}}
    typed = _typed(values.get("typed", "")[:TYPED_LETTERS_MAX], nodes)
    for facet, text in [*fields.items(), *typed]:
        if text.strip():
            change, error = _READERS[facet](text.strip(), nodes, now_ms)
            query = msgspec.structs.replace(query, **change)
            errors += [error] if error else []
    query = msgspec.structs.replace(
        query, purpose=values.get("purpose", "").strip() or query.purpose, before=values.get("before", "")
    )
    return Asked(query=query, errors=(*errors, *_checked(query)))


def chips(query: TrailQuery, names: Mapping[str, str], now_ms: int) -> tuple[Facet, ...]:
    """The query as chips; a subject's number is masked. `names` maps node ids to names."""
    found = []
    if query.subject_number:
        found.append(_chip("subject", "对象", "whom", _same(ids.mask(query.subject_number))))
    if query.actor:
        found.append(_chip("actor", "谁", "who", _same(query.actor)))
    if query.node:
        found.append(_chip("node", "节点", "node", _same(names.get(query.node, query.node))))
    if query.since_ms is not None or query.until_ms is not None:
        found.append(_chip("time", "时间", "when", _time_words(query, now_ms)))
    if query.mode:
        found.append(_chip("mode", "方式", "how", vocabulary.MODES.get(query.mode, _same(query.mode))))
    if query.outcome:
        found.append(
            _chip("outcome", "结果", "outcome", vocabulary.OUTCOMES.get(query.outcome, _same(query.outcome)))
        )
    return tuple(found)


_FIELDS = ("actor", "node", "since", "until", "mode", "outcome")
_TAKEN: dict[str, Change] = {
    "subject": {"subject_number": None, "purpose": ""},
    "actor": {"actor": ""},
    "node": {"node": ""},
    "time": {"since_ms": None, "until_ms": None},
    "mode": {"mode": ""},
    "outcome": {"outcome": ""},
}


def _without(facet: str) -> Change:
    return _TAKEN.get(facet, {})


def _typed(text: str, nodes: Mapping[str, str]) -> list[tuple[str, str]]:
    """Typed words as (facet, text): `方式:离线`, a number, 最近7天, a day, a node's name, else a person."""
    found = []
    for word in text.replace("：", ":").split():
        prefix, colon, rest = word.partition(":")
        if colon and (facet := _FACET_OF.get(prefix.lower())):
            found.append((facet, rest))
        else:
            found += _bare(word, nodes)
    return found


def _bare(word: str, nodes: Mapping[str, str]) -> list[tuple[str, str]]:
    if _NUMBER.match(word) and any(letter.isdigit() for letter in word):
        return [("subject", word)]
    if _LAST_DAYS.match(word):
        return [("since", word)]
    if _DAY.match(word):
        return [("since", word), ("until", word)]
    if vocabulary.code_of("mode", word):
        return [("mode", word)]
    if word in nodes:
        return [("node", word)]
    return [("actor", word)]


def _read_subject(text: str, _: Mapping[str, str], now_ms: int) -> tuple[Change, FormError | None]:
    number = text.upper()
    verdict = ids.resident_number(number, china_day(now_ms))
    if isinstance(verdict, Refusal) and not isinstance(ids.uscc(number), Refusal):
        return {"subject_number": number}, None
    if isinstance(verdict, Refusal):
        return {}, FormError(field="number", words=verdict.message)
    return {"subject_number": number}, None


def _read_actor(text: str, _nodes: Mapping[str, str], _now_ms: int) -> tuple[Change, FormError | None]:
    return {"actor": text}, None


def _read_node(text: str, nodes: Mapping[str, str], _now_ms: int) -> tuple[Change, FormError | None]:
    if text in nodes:
        return {"node": nodes[text]}, None
    words = Words(zh=f"没有名为“{text}”的节点", en=f"no node is called “{text}”")
    return {}, FormError(field="node", words=words)


def _read_since(text: str, _: Mapping[str, str], now_ms: int) -> tuple[Change, FormError | None]:
    if match := _LAST_DAYS.match(text):
        days = max(1, int(match[1]))
        return {"since_ms": _day_start(china_day(now_ms) - timedelta(days=days - 1)), "until_ms": None}, None
    day = _day(text)
    if day is None:
        return {}, _not_a_day("since")
    return {"since_ms": _day_start(day)}, None


def _read_until(text: str, _nodes: Mapping[str, str], _now_ms: int) -> tuple[Change, FormError | None]:
    day = _day(text)
    if day is None:
        return {}, _not_a_day("until")
    return {"until_ms": _day_start(day) + DAY_MS - 1}, None


def _read_mode(text: str, _nodes: Mapping[str, str], _now_ms: int) -> tuple[Change, FormError | None]:
    code = vocabulary.code_of("mode", text) or ("cached" if text in {"离线", "含离线", "offline"} else None)
    if code is None:
        words = Words(zh=f"没有“{text}”这种方式", en=f"there is no mode “{text}”")
        return {}, FormError(field="mode", words=words)
    return {"mode": code}, None


def _read_outcome(text: str, _nodes: Mapping[str, str], _now_ms: int) -> tuple[Change, FormError | None]:
    code = vocabulary.code_of("outcome", text) or (text if _CODE.match(text) else None)
    if code is None:
        words = Words(zh=f"没有“{text}”这种结果", en=f"there is no outcome “{text}”")
        return {}, FormError(field="outcome", words=words)
    return {"outcome": code}, None


_READERS = {
    "subject": _read_subject,
    "actor": _read_actor,
    "node": _read_node,
    "since": _read_since,
    "until": _read_until,
    "mode": _read_mode,
    "outcome": _read_outcome,
}


def purpose_error(purpose: str) -> FormError | None:
    """The purpose that has to stand beside a number: ten characters or more."""
    if len(purpose.strip()) >= PURPOSE_LETTERS_MIN:
        return None
    words = Words(
        zh=f"按号码查询须写明目的，不少于 {PURPOSE_LETTERS_MIN} 个字；目的会记入中心台账",
        en=f"a search by number needs its purpose, {PURPOSE_LETTERS_MIN} characters or more; it is recorded",
    )
    return FormError(field="purpose", words=words)


def _checked(query: TrailQuery) -> list[FormError]:
    found = []
    if query.subject_number and (error := purpose_error(query.purpose)):
        found.append(error)
    if query.since_ms is not None and query.until_ms is not None and query.since_ms > query.until_ms:
        found.append(
            FormError(
                field="until", words=Words(zh="结束日早于开始日", en="the last day is before the first")
            )
        )
    return found


def _not_a_day(field: str) -> FormError:
    return FormError(field=field, words=Words(zh="日期请写作 2026-11-21", en="write the day as 2026-11-21"))


def _day(text: str) -> date | None:
    if not _DAY.match(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _day_start(day: date) -> int:
    return china_ms(day.isoformat())


def _time_words(query: TrailQuery, now_ms: int) -> Words:
    today = china_day(now_ms)
    if query.since_ms is None:
        until = china_day(query.until_ms or now_ms)
        return Words(zh=f"{until} 及以前", en=f"until {until}")
    since = china_day(query.since_ms)
    if query.until_ms is None:
        days = (today - since).days + 1
        if days == 1:
            return Words(zh="今天", en="today")
        return Words(zh=f"最近 {days} 天", en=f"last {days} days")
    until = china_day(query.until_ms)
    text = f"{since}" if since == until else f"{since} – {until}"
    return _same(text)


def _chip(field: str, zh: str, en: str, text: Words) -> Facet:
    return Facet(field=field, label=Words(zh=zh, en=en), text=text)


def _same(text: str) -> Words:
    return Words(zh=text, en=text)
