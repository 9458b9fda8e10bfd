"""The values of matters: words, people, papers, requests, grants, refusals, and the matter itself.

All structs are frozen. Every field of a paper has an "absent" default, so that what is missing can be named.
"""

from datetime import date
from typing import Literal

import msgspec

OfflineRule = Literal["cached", "deferred", "local"]
"""cached: answered from the cache under a lease; deferred: becomes a promise; local: needs no centre."""

CASE_NAMES = (
    "self-natural",
    "self-legal",
    "natural-natural",
    "natural-legal",
    "legal-natural",
    "legal-legal",
)
"""The columns of the Shanghai matrix: authoriser, then requester."""


class Words(msgspec.Struct, frozen=True, kw_only=True):
    """One text in two languages; Chinese is shown first."""

    zh: str
    en: str


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """A no, as a value: stable `code`, why, the rule and article, ALL that is missing, what to do now."""

    code: str
    message: Words
    rule: str
    missing: tuple[Words, ...] = ()
    next: Words


class Party(msgspec.Struct, frozen=True, kw_only=True):
    """A person or organisation as a form or letter names it; an empty field is a missing one."""

    kind: Literal["natural", "legal"] = "natural"
    name: str = ""
    document: str = ""
    number: str = ""
    phone: str = ""
    employer: str = ""


class Presence(msgspec.Struct, frozen=True, kw_only=True):
    """What proves who stands at the window: the card as read, or nothing.

    `valid_to` None means 长期. `holder` is the clerk's own look: is the person before me the one on the
    card? `record` is the card layout the reader found (citizen, J, I, Y).
    """

    kind: Literal["resident-id", "none"] = "none"
    name: str = ""
    number: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    read_ms: int = 0
    record: str = "citizen"
    holder: bool = True


class Letter(msgspec.Struct, frozen=True, kw_only=True):
    """A letter of authorisation (授权委托书) with the four elements of Art 14 and Art 20."""

    authoriser: Party = Party()
    authorised: Party = Party()
    matter: str = ""
    scope: str = ""
    valid_from: date | None = None
    valid_to: date | None = None
    purpose: str = ""
    signature: bool = False
    seal: bool = False
    legal_representative_signature: bool = False
    original: bool = False
    notarised: bool = False


class Material(msgspec.Struct, frozen=True, kw_only=True):
    """A paper laid on the desk.

    Kinds: `resident-id` (the subject's or authoriser's card), `agent-id` (the card of whoever stands at the
    window for another), `organisation-carrier` (the role of the old organisation-code IC card: that card, a
    licence with the unified code, or the electronic licence), `organisation-certificate`, `letter`,
    `agent-letter`, `business-licence`, `undertaking`, `kinship`.
    """

    kind: str
    original: bool = False
    copy: bool = False
    sealed: bool = False


class AccessRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One request to see a subject's records, as filled in at the window.

    `agent` is the natural person acting for a requesting organisation (or for another person). `email_code`
    is the six-digit password of Art 9, 15 and 21. `account` is a registered platform user (Art 23).
    """

    matter: str
    presence: Presence = Presence()
    subject: Party
    requester: Party
    agent: Party | None = None
    materials: tuple[Material, ...] = ()
    letter: Letter | None = None
    agent_letter: Letter | None = None
    undertaking: bool = False
    delivery: Literal["print", "email"] = "print"
    email: str = ""
    email_code: str = ""
    purpose: str = ""
    account: str = ""


class SitePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """What this hall does differently from the next: data of the site, never code.

    `offers` lists the matter codes on offer (F018); `prints` is false for a small site without a report
    printer (F019); `kinship_required` makes agents prove kinship (F006); `residence_open` is 跨省通办 (F022);
    `cards` are the card layouts accepted as identity at the window.
    """

    jurisdiction: str
    region: str = ""
    offers: tuple[str, ...] = ()
    prints: bool = True
    kinship_required: bool = False
    residence_open: bool = True
    cards: tuple[str, ...] = ("citizen",)


class Deadline(msgspec.Struct, frozen=True, kw_only=True):
    """A due day. `provisional`: a year on the way has no published working-day table.

    A provisional `day` is None where the day cannot be known; it is never a guess. `latest_known` is then the
    last day up to which counting was certain.
    """

    day: date | None
    provisional: bool = False
    latest_known: date | None = None
    basis: str = ""


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A yes: on which legal basis, by which article, and what must happen at hand-over.

    `purpose` is the agreed use in authorised cases, else the stated one. `sign_for`: the citizen signs for a
    printed report (Art 9). `keep_receipt`: the acceptance receipt 受理回执单 is kept (Art 15, 21). `due` is
    set for delivery by e-mail. `steps` are the acts at the window in order, codes of `authority.STEP_WORDS`.
    """

    basis: Literal["SELF", "AUTHORISED", "OPEN"]
    rule: str
    case: str
    purpose: str
    keep_receipt: bool
    sign_for: bool = False
    due: Deadline | None = None
    steps: tuple[str, ...] = ()


class ExtraUnits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Free units granted beyond the yearly ones, within dated limits (both days included)."""

    units: int
    valid_from: date
    valid_to: date
    basis: str


class QuotaRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Free units per calendar year from 1 January, the fee after them, and dated extra rows."""

    code: str
    free_per_year: int
    fee_cents: int
    basis: str
    fee_basis: str
    extras: tuple[ExtraUnits, ...] = ()


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of service, as its catalogue file states it.

    `authority` names the rule family (`matters.authority.FAMILIES`); `openness` is what answers may hold;
    `fresh_s` and `usable_s` are seconds per category with "*" as the rest; `window_s` is the target time at
    the window (0 = none).
    """

    code: str
    title: Words
    window_type: Words
    subject: Literal["natural", "legal", "any"]
    cases: tuple[str, ...]
    authority: str
    offline: OfflineRule
    categories: tuple[str, ...]
    fresh_s: dict[str, int]
    usable_s: dict[str, int]
    report: str | None
    permit: str
    quota: QuotaRule | None
    capability: str
    refusal_offline: Words
    policy: int
    openness: Literal["public", "authorised"] = "authorised"
    window_s: int = 0
