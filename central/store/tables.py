"""Every table in one place.

How it is distributed, what the application may do with it, how it is partitioned.
"""

from typing import Literal

import msgspec

OWNER = "yizhan_owner"
APP = "yizhan_app"

Use = Literal["ledger", "state"]
"""ledger: the application may INSERT and SELECT, nothing else. state: it may also UPDATE and DELETE."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One table.

    `by` is the distribution column on a distributed PostgreSQL, "" for a reference or local table.

    `monthly`: range-partitioned by occurred_ms, one partition a month (Asia/Shanghai).
    """

    name: str
    use: Use
    by: str
    monthly: bool = False


def _ledger(name: str, *, monthly: bool = False) -> Table:
    return Table(name=name, use="ledger", by="origin", monthly=monthly)


def _state(name: str, by: str = "") -> Table:
    return Table(name=name, use="state", by=by)


TABLES: tuple[Table, ...] = (
    _ledger("entry"),
    _ledger("entry_body", monthly=True),
    _ledger("tile"),
    _ledger("checkpoint"),
    _ledger("access", monthly=True),
    _ledger("disclosure"),
    _ledger("report"),
    _ledger("paper"),
    _ledger("settlement"),
    _ledger("case_event"),
    _ledger("day_total"),
    _ledger("effect_rejected"),
    _ledger("effect_carried"),
    _ledger("evidence"),
    _ledger("incarnation_verdict"),
    _ledger("file_whole"),
    _ledger("quota_spent"),
    _ledger("scope_applied"),
    _ledger("sheet_move"),
    _ledger("finding_word"),
    _state("ledger_head", "origin"),
    _state("incarnation", "origin"),
    _state("file_chunk", "origin"),
    _state("file_lost", "origin"),
    _state("mailbox", "origin"),
    _state("directive", "origin"),
    _state("lease", "origin"),
    _state("contact", "origin"),
    _state("deferral", "origin"),
    _state("finding", "origin"),
    _state("quota_grant", "origin"),
    _state("correction", "origin"),
    _state("deep_check", "origin"),
    _state("day_judged", "origin"),
    _state("ledger_judged", "origin"),
    _state("request_nonce", "origin"),
    _state("subject", "ref"),
    _state("subject_touched", "ref"),
    _state("record", "ref"),
    _state("scope_row", "ref"),
    _state("trip_subject", "ref"),
    _state("consent_withdrawn", "ref"),
    Table(name="scope_member", use="ledger", by="ref"),
    _state("node"),
    _state("quota_level"),
    _state("identity"),
    _state("enrolment"),
    _state("administrator"),
    _state("admin_session"),
    _state("staff"),
    _state("scope"),
    _state("pack"),
    _state("release"),
    _state("import_run"),
    _state("import_reject"),
    Table(name="key_mark", use="ledger", by=""),
)


def grants() -> tuple[str, ...]:
    """The statements that give the application its rights, after everything was taken from it."""
    statements = [
        f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {APP}",
        f"GRANT USAGE ON SCHEMA public TO {APP}",
    ]
    for table in TABLES:
        rights = "SELECT, INSERT" if table.use == "ledger" else "SELECT, INSERT, UPDATE, DELETE"
        statements.append(f"GRANT {rights} ON {table.name} TO {APP}")
    statements.append(f"GRANT SELECT ON schema_migration TO {APP}")
    statements.append(f"GRANT USAGE ON SEQUENCE change_number TO {APP}")
    return tuple(statements)
