"""The JSON bodies of the node's API, parsed once at the border."""

from typing import Literal

import msgspec

from edge.actions.views import Query
from matters.model import Letter, Material, Party


class SignIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who signs in, and at which window."""

    staff: str
    password: str
    window: str = "1"


class PresenceForm(msgspec.Struct, frozen=True, kw_only=True):
    """A card that was read at this node."""

    read_id: str


class Question(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`POST /api/answers`: `presence` (a card read here) or `subject`; everything else as the case asks.

    `account`: the platform user who asks for information open by law.
    """

    matter: str
    presence: PresenceForm | None = None
    subject: Party | None = None
    requester: Party | None = None
    agent: Party | None = None
    materials: tuple[Material, ...] | None = None
    letter: Letter | None = None
    agent_letter: Letter | None = None
    undertaking: bool = False
    delivery: Literal["print", "email", "screen"] = "print"
    email: str = ""
    email_code: str = ""
    purpose: str = ""
    phone: str = ""
    account: str = ""

    def query(self) -> Query:
        """The same as the action takes it.

        A card on the reader is the original; the reader keeps its copy.
        """
        materials = self.materials
        if materials is None:
            card = Material(kind="resident-id", original=True, copy=True)
            materials = (card,) if self.presence else ()
        return Query(
            matter=self.matter,
            read_id=self.presence.read_id if self.presence else None,
            subject=self.subject,
            requester=self.requester,
            agent=self.agent,
            materials=materials,
            letter=self.letter,
            agent_letter=self.agent_letter,
            undertaking=self.undertaking,
            delivery=self.delivery,
            email=self.email,
            email_code=self.email_code,
            purpose=self.purpose,
            phone=self.phone,
            account=self.account,
        )


class Confirmation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came out of the printer."""

    outcome: Literal["good", "spoiled", "none"]
    reason: str = ""
    sheet: str = ""


class Reason(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why."""

    reason: str = ""


class Note(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What was said."""

    note: str = ""


class Day(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A day in China, YYYY-MM-DD."""

    day: str


class OwnTrail(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose card was read, and the phone to call when the list must wait for the line."""

    read_id: str
    phone: str = ""
