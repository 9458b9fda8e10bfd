"""A mark: the entry of what somebody did here that has no kind of its own."""

from edge.actions.node import Session
from edge.store.draft import Draft


def mark(
    session: Session, outcome: str, about: str, *, window: str = "", subject: str = "", note: str = ""
) -> Draft:
    """The entry of an act by who is signed in: `outcome` says what, `about` on what; neither names a person.

    `window` is the session's unless the act was on another's. `subject` is the number of the person it
    concerned: only its keyed reference enters the entry.
    """
    return Draft(
        kind="mark",
        subject=subject,
        actor=session.staff,
        role=session.role,
        window=window or session.window,
        outcome=outcome,
        object=about,
        detail={"note": note} if note else {},
    )
