"""From what was filled in at the window to one request that the rules can judge, and the judging itself."""

import re
import secrets

import msgspec

from edge.actions.gates import gates
from edge.actions.node import Node, Session
from edge.actions.reads import presence_of
from edge.actions.views import CardRead, Query
from edge.store.draft import Draft
from edge.store.reader import Reading
from matters.authority import decide
from matters.calendar import china_day
from matters.ids import plain, resident_number, uscc
from matters.model import AccessRequest, Grant, Matter, Party, Presence, Refusal, Words

NUMBER_MAX = 64
PLATFORM_ACCOUNT = "platform-account"
TEXT_MAX = 200
_CODE = re.compile(r"[a-z][a-z0-9-]{0,31}")
_BASIS_PURPOSE = {"SELF": "self", "AUTHORISED": "authorised", "OPEN": "open"}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One query with everything it is judged and recorded by. `request_id` is random and names nobody."""

    matter: Matter
    session: Session
    request: AccessRequest
    read: CardRead | None
    phone: str
    delivery: str
    request_id: str
    at_ms: int

    @property
    def subject(self) -> Party:
        """Whose data is asked for."""
        return self.request.subject

    def purpose_code(self, basis: str) -> str:
        """What goes into the leaf.

        A code, never the text a clerk typed (that stands in the sealed detail).
        """
        text = self.request.purpose
        return text if _CODE.fullmatch(text) else _BASIS_PURPOSE.get(basis, "stated")

    def draft(
        self, kind: str, grant: Grant | None, *, outcome: str, case: str, shown: str, note: str
    ) -> Draft:
        """The access entry of this query; mode, age and object are the caller's to add."""
        request, session = self.request, self.session
        by_account = request.requester.document == PLATFORM_ACCOUNT
        return Draft(
            kind=kind,
            subject=self.subject.number,
            actor=session.staff,
            role=session.role,
            window=session.window,
            session=session.mark,
            presence=f"card/{self.read.record}" if self.read else "none",
            relationship=grant.case if grant else "",
            purpose=self.purpose_code(grant.basis if grant else ""),
            basis=grant.basis if grant else "",
            policy=self.matter.policy,
            outcome=outcome,
            detail={
                "subject_number": plain(self.subject.number),
                "subject_name": self.subject.name,
                "requester_number": request.account if by_account else plain(request.requester.number),
                "requester_name": request.requester.name,
                "matter": self.matter.code,
                "case": case,
                "request_id": self.request_id,
                "shown": shown,
                "note": note or request.purpose[:TEXT_MAX],
            },
        )


def frame(node: Node, session: Session, query: Query, matter: Matter) -> Asked:
    """The request as the rules see it.

    Who is not named is the person whose card was read; who only has a platform account is known by it.
    """
    read = node.read_of(query.read_id, session.window)
    now_ms = node.now_ms()
    holder = Party(name=read.name, number=read.number, document="resident-id") if read else None
    subject = query.subject or holder or Party()
    account = query.account.strip()[:NUMBER_MAX]
    user = Party(document=PLATFORM_ACCOUNT, number=account) if account else None
    requester = query.requester or holder or user or subject
    request = AccessRequest(
        matter=matter.code,
        presence=presence_of(read, read.read_ms) if read else Presence(),
        subject=subject,
        requester=requester,
        agent=query.agent,
        materials=query.materials,
        letter=query.letter,
        agent_letter=query.agent_letter,
        undertaking=query.undertaking,
        delivery="email" if query.delivery == "email" else "print",
        email=query.email,
        email_code=query.email_code,
        purpose=query.purpose,
        account=account,
    )
    return Asked(
        matter=matter,
        session=session,
        request=request,
        read=read,
        phone=query.phone[:TEXT_MAX],
        delivery=query.delivery,
        request_id=secrets.token_hex(16),
        at_ms=now_ms,
    )


def judge(node: Node, db: Reading, asked: Asked) -> Grant | Refusal:
    """May this be shown.

    The clerk's permit, the node's own gates, the card, the number, then the matter's rules.
    """
    if asked.matter.permit not in asked.session.permits:
        return _no_permit(asked.matter)
    stopped = gates(db, node)
    if stopped:
        return stopped[0].refusal()
    if asked.read is not None and asked.read.refusal is not None:
        return asked.read.refusal
    today = china_day(asked.at_ms)
    verdict = decide(asked.matter, asked.request, node.site, today)
    if isinstance(verdict, Refusal):
        return verdict
    return _number_refusal(asked.subject, asked) or verdict


def _number_refusal(subject: Party, asked: Asked) -> Refusal | None:
    """A subject number with a wrong check digit finds nobody; say so instead of "no records"."""
    if not subject.number.strip():
        return _no_number()
    if len(subject.number) > NUMBER_MAX:
        return resident_refusal(subject.number[:NUMBER_MAX], asked)
    return (
        resident_refusal(subject.number, asked)
        if subject.kind == "natural"
        else _uscc_refusal(subject.number)
    )


def resident_refusal(number: str, asked: Asked) -> Refusal | None:
    """What is wrong with a resident number, None when it is whole."""
    if asked.read is not None and asked.read.record != "citizen" and number == asked.read.number:
        return None
    found = resident_number(number, china_day(asked.at_ms))
    return found if isinstance(found, Refusal) else None


def _uscc_refusal(number: str) -> Refusal | None:
    found = uscc(number)
    return found if isinstance(found, Refusal) else None


def _no_number() -> Refusal:
    """Open information may be asked for by name alone (Art 23), but a hall's cache is kept by number."""
    number = Words(zh="身份证号码或统一社会信用代码", en="resident number or unified social credit code")
    return Refusal(
        code="number-needed",
        message=Words(
            zh="窗口按号码查询，只有名称查不到。",
            en="The window looks up by number, not by name alone.",
        ),
        rule="驿站查询规则",
        missing=(number,),
        next=Words(
            zh="请补填号码；只知道名称的，请登录信用网站按名称检索。",
            en="Add the number; who only knows a name searches on the credit website.",
        ),
    )


def _no_permit(matter: Matter) -> Refusal:
    return Refusal(
        code="no-permit",
        message=Words(
            zh=f"您没有办理“{matter.title.zh}”的权限，本次操作已留痕。",
            en=f"You have no permit for: {matter.title.en}. The attempt is on record.",
        ),
        rule="岗位权限（征信业管理条例 第二十二条）",
        next=Words(
            zh="请转到有此权限的窗口，或由大厅主管调整岗位。",
            en="Pass it to a window with this permit, or have the manager change the post.",
        ),
    )
