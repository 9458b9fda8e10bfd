"""The mailbox of one node: what the centre may tell it, in order, acknowledged by number.

`Directive` itself lives with the acknowledgement that carries it (`sync.batch.acknowledge`); this table
says what each kind means and which body fields both ends promise. A letter of an unknown kind or with a
missing field is acknowledged and reported, never obeyed and never a reason to stop (property P6).

Letters about a case, a report or a right also say whose it is (`whose`): a disk that went back gives the
numbers of what it forgot a second time, perhaps to another person.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from sync.batch.acknowledge import Directive
from sync.messages.incarnation import GENERATION

__all__ = [
    "DIRECTIVES",
    "URGENT",
    "Directive",
    "DirectiveKind",
    "follows",
    "letter",
    "objection",
    "unread",
    "urgent",
    "whose",
]


class DirectiveKind(msgspec.Struct, frozen=True, kw_only=True):
    """One row: the kind, its words (zh, en) and the body fields that must be there with their JSON type.

    Further fields are allowed and kept: a newer centre may say more.
    """

    kind: str
    words: tuple[str, str]
    fields: tuple[tuple[str, type], ...]


def _row(kind: str, zh: str, en: str, **fields: type) -> DirectiveKind:
    return DirectiveKind(kind=kind, words=(zh, en), fields=tuple(fields.items()))


DIRECTIVES: tuple[DirectiveKind, ...] = (
    # The same facts with the centre's data: the provisional report stands.
    _row("report.confirmed", "报告已确认", "report confirmed", serial=str),
    # `changes`: what differs, each [zh, en]; the person goes on the hall's call list.
    _row("report.superseded", "报告已被取代", "report superseded", serial=str, changes=list),
    # `note`: what to tell the person, in the centre's words.
    _row("case.fulfilled", "办件已办结", "case fulfilled", case=str, note=str),
    # `reason`: [zh, en]; `rule`: the article it rests on.
    _row("case.refused", "办件不予受理", "case refused", case=str, reason=list, rule=str),
    # `lease`: base64 of the signed lease; the acknowledgement's own list is the usual way.
    _row("lease", "离线授权", "lease", lease=str),
    # `finding`: its id; `state`: open, explained or closed; `words`: [zh, en]. With `gone` true nobody closed
    # it: the centre looked again and found it no more.
    _row("finding", "对账差异", "finding", finding=str, day=str, state=str, words=list),
    # Total the day again and close it with a new entry.
    _row("reconcile", "重新对账", "reconcile again", day=str),
    # Compare the ledger with the centre's by tile descent and say what was found.
    _row("recount", "深度核对", "recount", note=str),
    # The unsent ledger is sealed to the centre, then every key is destroyed; `note`: what the hall is told.
    _row("seal-and-wipe", "封存并清除", "seal and wipe", note=str),
    # What has to be corrected, why, and until when; answered by a case.changed entry that names `correction`.
    _row(
        "case.correction",
        "要求补正",
        "correction asked",
        correction=str,
        case=str,
        what=str,
        why=str,
        until_ms=int,
    ),
    # Rights granted ahead: `units` of the matter that `origin`, and no later incarnation, may give as free
    # without contact, until then.
    _row(
        "quota.granted",
        "免费次数预授",
        "quota granted",
        grant=str,
        origin=str,
        matter=str,
        units=int,
        expires_ms=int,
    ),
    # What a right spent at `origin`/`index` really costs: `fee_cents` to collect, or (negative) to give back.
    _row("quota.settled", "次数核定", "quota settled", origin=str, index=int, fee_cents=int, note=str),
    # Whether the subject (`ref`: hexadecimal reference) withdrew its consent to offline answers.
    _row("consent", "信息主体授权变更", "consent of a subject", ref=str, withdrawn=bool),
    # This origin is no longer trusted: stop sensitive answers, hand in the last batch as evidence.
    _row("revoked", "节点已吊销", "node revoked", reason=list),
    # `settings`: site settings by name, e.g. window_ms.
    _row("policy", "站点策略", "site policy", settings=dict),
)

_BY_KIND = {row.kind: row for row in DIRECTIVES}

URGENT = frozenset({"revoked", "seal-and-wipe", "consent"})
"""Kinds of lane 0: in force before anything else of a reply (protocol section 5)."""


def letter(number: int, kind: str, body: dict[str, Any]) -> Directive:
    """A directive that its row accepts; one that it does not is a bug of the caller (ValueError)."""
    directive = Directive(number=number, kind=kind, body=body)
    reason = objection(directive)
    if reason:
        raise ValueError(reason)
    return directive


def objection(directive: Directive) -> str:
    """Why this directive cannot be obeyed (English, for the log), or empty when it can."""
    row = _BY_KIND.get(directive.kind)
    if row is None:
        return f"directive {directive.number}: unknown kind {directive.kind!r}"
    for field, wanted in row.fields:
        if not isinstance(directive.body.get(field), wanted):
            return f"directive {directive.number} {directive.kind}: {field} must be {wanted.__name__}"
    return ""


def unread(seen: int, letters: Iterable[Directive]) -> tuple[Directive, ...]:
    """The letters after number `seen`, in order, up to the first gap; repeats and old ones are skipped.

    What lies behind a gap is left for the next acknowledgement: order is part of the meaning.
    """
    fresh: list[Directive] = []
    for directive in sorted(letters, key=lambda one: one.number):
        if follows(seen, directive.number):
            fresh.append(directive)
            seen = directive.number
    return tuple(fresh)


def follows(seen: int, number: int) -> bool:
    """Whether a letter is the next one after `seen`; a restored centre counts anew above a higher floor."""
    return number == seen + 1 or (number > seen and number % GENERATION == 1)


def whose(subject_ref: bytes) -> str:
    """The beginning of a reference in hexadecimal: enough to tell two persons of one hall apart."""
    return subject_ref[:8].hex()


def urgent(letters: Sequence[Directive]) -> int:
    """How many of the letters go first: all up to the last urgent one, because their order is kept."""
    return max((place for place, one in enumerate(letters, 1) if one.kind in URGENT), default=0)
