"""Invented people, organisations and complete requests the tests start from and take things away."""

from datetime import date
from typing import Any

import msgspec

from matters.catalogue.load import builtin
from matters.model import AccessRequest, Grant, Letter, Material, Matter, Party, Presence, Refusal, SitePolicy

TODAY = date(2026, 11, 21)
MATTERS: dict[str, Matter] = builtin()
SITE = SitePolicy(jurisdiction="shanghai", region="330102", offers=tuple(MATTERS))

WANG = Party(name="王建国", document="居民身份证", number="330102196203074512", phone="13800000001")
LI = Party(
    name="李敏",
    document="居民身份证",
    number="330102198805120028",
    phone="13800000002",
    employer="清河县第一中学",
)
SUN = Party(name="孙涛", document="居民身份证", number="341124197902031015", phone="13800000003")
HENGDA = Party(
    kind="legal",
    name="清河县恒达商贸有限公司",
    document="统一社会信用代码",
    number="91330102MA2K7X3B6D",
    phone="05710000001",
)
XINYUAN = Party(
    kind="legal",
    name="清河县鑫源物流有限公司",
    document="统一社会信用代码",
    number="91330102MA1FL1LQ65",
    phone="05710000002",
)


def card(party: Party, **changes: Any) -> Presence:
    """The card of a person as a reader gives it."""
    whole = Presence(
        kind="resident-id",
        name=party.name,
        number=party.number,
        valid_from=date(2018, 6, 11),
        valid_to=date(2038, 6, 11),
        read_ms=1,
    )
    return msgspec.structs.replace(whole, **changes)


def letter(authoriser: Party, authorised: Party, **changes: Any) -> Letter:
    """A letter with all four elements, signed, sealed, notarised, in force."""
    whole = Letter(
        authoriser=authoriser,
        authorised=authorised,
        matter="查询公共信用信息及个人信用报告",
        scope="全部公共信用信息",
        valid_from=date(2026, 11, 1),
        valid_to=date(2026, 12, 31),
        purpose="贷款审批",
        signature=True,
        seal=True,
        legal_representative_signature=True,
        original=True,
        notarised=True,
    )
    return msgspec.structs.replace(whole, **changes)


_PARTIES: dict[str, tuple[Party, Party, Party | None, Party]] = {
    "self-natural": (WANG, WANG, None, WANG),
    "self-legal": (HENGDA, HENGDA, SUN, SUN),
    "natural-natural": (WANG, LI, None, LI),
    "natural-legal": (WANG, XINYUAN, SUN, SUN),
    "legal-natural": (HENGDA, LI, None, LI),
    "legal-legal": (HENGDA, XINYUAN, SUN, SUN),
}
_OWN_CARD = Material(kind="resident-id", original=True, copy=True)
_VISITOR_CARD = Material(kind="agent-id", original=True, copy=True)
_CARRIER = Material(kind="organisation-carrier", original=True)
_CERTIFICATE = Material(kind="organisation-certificate", copy=True, sealed=True)
_LICENCE = Material(kind="business-licence", copy=True, sealed=True)
_MATERIALS: dict[str, tuple[Material, ...]] = {
    "self-natural": (_OWN_CARD,),
    "self-legal": (_CARRIER, _CERTIFICATE, Material(kind="letter", original=True), _VISITOR_CARD),
    "natural-natural": (_OWN_CARD, _VISITOR_CARD),
    "natural-legal": (_OWN_CARD, _LICENCE, Material(kind="agent-letter"), _VISITOR_CARD),
    "legal-natural": (_CARRIER, _CERTIFICATE, _VISITOR_CARD),
    "legal-legal": (_CERTIFICATE, Material(kind="agent-letter"), _VISITOR_CARD),
}


def whole(case: str, **changes: Any) -> AccessRequest:
    """A request of that case with nothing missing; `changes` replace fields."""
    subject, requester, agent, visitor = _PARTIES[case]
    own = case.startswith("self")
    request = AccessRequest(
        matter="public-credit.self" if own else "public-credit.authorised",
        presence=card(visitor),
        subject=subject,
        requester=requester,
        agent=agent,
        materials=_MATERIALS[case],
        letter=None if own else letter(subject, requester),
        undertaking=not own,
        purpose="了解本人信用状况" if own else "",
    )
    return msgspec.structs.replace(request, **changes)


def without(request: AccessRequest, kind: str) -> AccessRequest:
    """The same request with no material of that kind (and no letter where the kind is letter)."""
    kept = tuple(material for material in request.materials if material.kind != kind)
    changed = msgspec.structs.replace(request, materials=kept)
    return msgspec.structs.replace(changed, letter=None) if kind == "letter" else changed


def relaid(request: AccessRequest, kind: str, **changes: Any) -> AccessRequest:
    """The same request with the material of that kind changed."""
    laid = tuple(msgspec.structs.replace(m, **changes) if m.kind == kind else m for m in request.materials)
    return msgspec.structs.replace(request, materials=laid)


def refused(value: Grant | Refusal) -> Refusal:
    """The refusal, or a failing test that shows the grant."""
    assert isinstance(value, Refusal), value
    return value


def granted(value: Grant | Refusal) -> Grant:
    """The grant, or a failing test that shows the refusal."""
    assert isinstance(value, Grant), value
    return value


def missing(value: Grant | Refusal) -> str:
    """Everything a refusal lists as missing, in one line of Chinese."""
    return "；".join(words.zh for words in refused(value).missing)
