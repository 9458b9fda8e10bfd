"""The log: JSON lines with an allow-list of fields, and a last net for numbers that identify people."""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

FIELDS = frozenset(
    [
        "event",
        "level",
        "timestamp",
        "logger",
        "code",
        "job",
        "jobs",
        "device",
        "kind",
        "matter",
        "serial",
        "tries",
        "sent",
        "pending",
        "bytes_up",
        "bytes_down",
        "scope",
        "version",
        "rows",
        "grave",
        "leases",
        "scopes",
        "questions",
        "rolled_back",
        "jump_s",
        "number",
        "host",
        "port",
        "data",
        "origin",
        "signal",
        "took_ms",
        "status",
        "method",
        "route",
        "problem",
    ]
)
"""The only fields a log line may carry; anything else is dropped by name."""
_NET = re.compile(r"\d{17}[\dXx]|(?<!\d)1[3-9]\d{9}(?!\d)|(?<!\d)\d{15,19}(?!\d)")


def configure() -> None:
    """Send structlog and the libraries' warnings to standard error as JSON lines."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(name)s %(levelname)s %(message)s")
    for handler in logging.getLogger().handlers:
        handler.addFilter(_scrub_record)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            allow,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def allow(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep allowed fields only, with every number that looks like a person's taken out."""
    kept = {name: _scrub(value) for name, value in event.items() if name in FIELDS}
    dropped = sorted(set(event) - FIELDS)
    return kept | ({"dropped": dropped} if dropped else {})


def _scrub(value: Any) -> Any:
    if isinstance(value, int | float | bool) or value is None:
        return value
    return _NET.sub("[number]", str(value))


def _scrub_record(record: logging.LogRecord) -> bool:
    record.msg, record.args = _NET.sub("[number]", record.getMessage()), ()
    return True
