"""How a folder is a print queue: where a job lies says how far it is. Pure.

DIR/new/ID.pdf  →  DIR/work/ID.pdf  →  DIR/done/ID.pdf  or  DIR/failed/ID.pdf      moved by whatever prints
DIR/printer.json     what that says of the printer, if it says anything: {"paper": "ok", "online": true}
"""

import re
from collections.abc import Collection
from typing import Final, Literal

import msgspec

from drivers import a4
from drivers.errors import Garbled
from drivers.ports import JobStage, JobState, PaperLevel, PrinterState
from matters.model import Words

FOLDERS: Final = ("new", "work", "done", "failed")
STATE_FILE: Final = "printer.json"
STATE_BYTES_MAX: Final = 4096
STAGES: Final[dict[str, JobStage]] = {"new": "queued", "work": "printing", "done": "done", "failed": "failed"}
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`printer.json`."""

    paper: PaperLevel = "unknown"
    online: bool = True
    cover_open: bool = False
    fault: Literal["none", "recoverable", "unrecoverable"] = "none"


_PRINTER: Final[dict[str, tuple[Words, Words]]] = {
    **a4.PRINTER,
    "unknown": (
        Words(
            zh="打印队列可用，打印机状态不明。",
            en="The queue takes jobs; the printer says nothing of itself.",
        ),
        Words(zh="打印后请查看纸张。", en="Look at the paper after printing."),
    ),
    "stopped": (
        Words(zh="打印机脱机或故障。", en="The printer is offline or in error."),
        Words(zh="请检查电源、卡纸和盖板。", en="Check power, paper jam and covers."),
    ),
}


def is_name(name: str) -> bool:
    """Whether a job's name can be a file's: letters, digits, . _ - and at most 100 of them."""
    return _NAME.fullmatch(name) is not None


def job_state(job: str, folders: Collection[str]) -> JobState:
    """The state of a job that lies in these folders; in none it is unknown.

    While it is being moved it may be seen in two: the later one counts.
    """
    lying = [STAGES[folder] for folder in FOLDERS if folder in folders]
    stage: JobStage = lying[-1] if lying else "unknown"
    words, step = a4.JOB[stage]
    return JobState(job=job, stage=stage, words=words, next=step)


def printer_state(said: bytes | None) -> PrinterState:
    """The state in `printer.json`; None when there is no such file. Raises Garbled."""
    try:
        state = Said() if said is None else msgspec.json.decode(said, type=Said)
    except (msgspec.MsgspecError, UnicodeDecodeError):  # the latter for bytes that are no UTF-8 in a key
        raise Garbled("printer.json cannot be read") from None
    able = state.online and not state.cover_open and state.fault == "none"
    words, step = _PRINTER["out" if state.paper == "out" else state.paper if able else "stopped"]
    return PrinterState(
        online=state.online,
        paper=state.paper,
        cover_open=state.cover_open,
        fault=state.fault,
        words=words,
        next=step,
    )
