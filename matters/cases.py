"""The life of a case: its states, the legal moves between them, and the words the citizen sees."""

from typing import Literal, get_args

from matters.model import Matter, Refusal, Words

CaseState = Literal["opened", "deferred", "fulfilled", "handed-over", "closed", "refused", "superseded"]
STATES: tuple[str, ...] = get_args(CaseState)

TRANSITIONS: dict[str, tuple[CaseState, ...]] = {
    "opened": ("deferred", "fulfilled", "refused", "closed"),
    "deferred": ("fulfilled", "refused", "closed"),
    "fulfilled": ("handed-over", "superseded", "closed"),
    "handed-over": ("superseded", "closed"),
    "superseded": ("handed-over", "closed"),
    "refused": ("closed",),
    "closed": ("superseded",),
}
"""From each state, where a case may go. A closed case opens again only because its report was superseded."""

STATE_WORDS: dict[str, Words] = {
    "opened": Words(zh="办理中", en="being served"),
    "deferred": Words(zh="待联网办理", en="waiting for the line"),
    "fulfilled": Words(zh="已办好，待交付", en="done, to be handed over"),
    "handed-over": Words(zh="已交付", en="handed over"),
    "closed": Words(zh="已结案", en="closed"),
    "refused": Words(zh="不予受理", en="refused"),
    "superseded": Words(zh="结果有变化，待回电", en="result changed, to be called"),
}

_PUBLIC_WORDS: dict[str, Words] = {
    "draft": Words(zh="草稿", en="draft"),
    "kept": Words(zh="已受理待上传", en="accepted, not yet sent"),
    "sent": Words(zh="已上传待确认", en="sent, not yet confirmed"),
    "done": Words(zh="已办结", en="done"),
}


def move(state: CaseState, to: CaseState) -> CaseState | Refusal:
    """The new state, or why the case cannot go there; nothing is recorded here."""
    if to in TRANSITIONS[state]:
        return to
    was, wanted = STATE_WORDS[state], STATE_WORDS[to]
    allowed = [STATE_WORDS[target] for target in TRANSITIONS[state]]
    return Refusal(
        code="case-move",
        message=Words(
            zh=f"办件现为“{was.zh}”，不能转为“{wanted.zh}”。",
            en=f"The case is '{was.en}' and cannot become '{wanted.en}'.",
        ),
        rule="办件流转规则",
        next=Words(
            zh=f"可转为：{'、'.join(words.zh for words in allowed)}。",
            en=f"It may become: {', '.join(words.en for words in allowed)}.",
        ),
    )


def first_state(matter: Matter, *, online: bool) -> CaseState:
    """What a new case starts as: without the line a matter that needs it is a promise (F010)."""
    return "opened" if online or matter.offline != "deferred" else "deferred"


def public_words(state: CaseState | None, *, sent: bool, confirmed: bool) -> Words:
    """One of the four states a citizen is told: 草稿, 已受理待上传, 已上传待确认, 已办结.

    `state` None is a draft. `sent`: its entries left the node; `confirmed`: the centre countersigned them.
    已办结 needs both: confirmed at the centre, and nothing left to do for the citizen.
    """
    if state is None:
        return _PUBLIC_WORDS["draft"]
    if not sent:
        return _PUBLIC_WORDS["kept"]
    finished = state in {"handed-over", "closed", "refused"}
    return _PUBLIC_WORDS["done" if confirmed and finished else "sent"]
