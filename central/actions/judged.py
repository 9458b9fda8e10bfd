"""What was judged, as shown.

Findings, reports, days of reconciliation. Part of `views.py`, which hands it on.
"""

from typing import Literal

import msgspec

from matters.model import Words

Verified = Literal["countersigned", "arrived", "broken"]
FindingState = Literal["open", "explained", "closed"]


class FindingRow(msgspec.Struct, frozen=True, kw_only=True):
    """A difference reconciliation found. `object` is what it is about (a serial, a request id, a day).

    `owner` and `state` are the centre's; what the hall last said of it stands in `hall_…`, empty if nothing.
    Of one that was opened again `settled_…` and `note` say how it was settled before.
    """

    id: str
    origin: str
    node: str
    node_name: str
    day: str
    code: str
    object: str
    words: Words
    owner: str
    state: FindingState
    opened_ms: int
    settled_ms: int | None
    settled_by: str
    note: str
    hall_owner: str = ""
    hall_state: str = ""
    hall_note: str = ""
    hall_ms: int | None = None


class ReportRow(msgspec.Struct, frozen=True, kw_only=True):
    """An issued report: its paper's life and the centre's verdict on it."""

    serial: str
    origin: str
    index: int
    node: str
    node_name: str
    matter: str
    matter_words: Words
    subject: str
    status: Literal["final", "provisional"]
    verdict: Literal["", "confirmed", "superseded"]
    changes: tuple[Words, ...]
    issued_ms: int
    as_of_ms: int
    settled_ms: int | None
    printed: int
    spoiled: int
    handed_over_ms: int | None
    file_digest: bytes
    leaf_hash: bytes
    verified: Verified


class DayNode(msgspec.Struct, frozen=True, kw_only=True):
    """One node's day: closed or not, matched or not, what was counted on both sides.

    `heard_ms`: up to when the node's own work is known here. `heard`: that is the whole day.
    """

    origin: str
    node: str
    node_name: str
    closed: bool
    heard: bool
    heard_ms: int | None
    matched: bool
    counts: tuple["DayCount", ...]
    findings: tuple[FindingRow, ...]


class DayCount(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of the day, as the node totalled it (None: it did not say) and as the centre recounts it."""

    key: str
    words: Words
    node: int | None
    centre: int


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """One day over all nodes."""

    day: str
    nodes: tuple[DayNode, ...]


class HeatRow(msgspec.Struct, frozen=True, kw_only=True):
    """One node in the days × nodes strip.

    A cell is "matched", "waiting" (closed, not compared since its newest entries), "open" (findings),
    "missing" (not closed), "unheard" (what was done is not known here yet) or "" (idle).
    """

    node: str
    node_name: str
    cells: tuple[str, ...]


class Heat(msgspec.Struct, frozen=True, kw_only=True):
    """The strip: days oldest first, then one row a node."""

    days: tuple[str, ...]
    rows: tuple[HeatRow, ...]
