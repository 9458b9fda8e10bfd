"""A report sheet as the plain texts the template prints. Everything a person reads is decided here."""

from typing import Any, Final

from edge.typeset.sheets import MARK_WORDS, ReportSheet, SlipSheet
from matters.freshness import BAND_WORDS, age_words
from matters.groups import Group
from matters.ids import mask
from matters.model import Words
from ui.look import clock

PLACEHOLDER: Final = b"yzf:" + b"A" * 86
"""Stands raw in the file; the action replaces the 86 letters by the file's signature."""

_SHAPES: Final = {"fresh": "●", "ageing": "▲", "expired": "◆"}
_STATUS: Final = {
    "final": ("正式", "本报告依据中心在线数据出具。"),
    "provisional": (
        "临时",
        "本报告在离线期间依据本机数据出具，联网后由中心确认。内容如有变化，窗口会打电话通知您更换。",
    ),
}

_SUMMARY_TERMS: Final = frozenset({"数据截至", "查询依据", "约定用途", "份次"})
_NUMBER: Final = "证件号码"
_WORTHLESS: Final = {
    "test": "本页只用来测试打印机 TEST：不是报告，没有编号，没有任何效力。",
    "training": "练习用纸 TRAINING：内容和人员都是虚构的，没有任何效力，不得交给群众。",
}


def job(sheet: ReportSheet) -> dict[str, Any]:
    """What the worker is sent: texts, the QR's text, and the document's date."""
    return {"paper": texts(sheet), "token": sheet.token, "issued_s": sheet.issued_ms // 1000}


def texts(sheet: ReportSheet) -> dict[str, Any]:
    """The sheet in words, in the order of the paper; no markup, no formatting."""
    word, meaning = _STATUS[sheet.status]
    if sheet.mark:
        word, meaning = MARK_WORDS[sheet.mark].zh, _WORTHLESS[sheet.mark]
    return {
        "title": sheet.title.zh,
        "title_en": sheet.title.en,
        "serial": sheet.serial,
        "status": "provisional" if sheet.mark else sheet.status,
        "mark": "　".join(MARK_WORDS[sheet.mark].zh),
        "status_word": word,
        "status_meaning": meaning,
        "hall": sheet.hall,
        "running": _running(sheet, word),
        "keywords": [f"yzt:{sheet.token}", PLACEHOLDER.decode()],
        "terms": _terms(sheet),
        "subject": [list(row) for row in sheet.subject],
        "groups": [_group(group) for group in sheet.groups],
        "notes": [note.zh for note in sheet.notes],
    }


def summary(sheet: ReportSheet) -> SlipSheet:
    """The report in short for slip paper: each group's count, age, source and rule of use, no record.

    A person's number is masked; the code is added when it is printed.
    """
    said = texts(sheet)
    lines = [f"{label}：{mask(value) if label == _NUMBER else value}" for label, value in sheet.subject]
    lines += [f"{label}：{value}" for label, value in said["terms"] if label in _SUMMARY_TERMS]
    for group in said["groups"]:
        lines += [
            "-",
            f"{group['title']}：{group['count'] or '未核验'}",
            group["band_words"],
            group["source"],
        ]
    word, meaning = said["status_word"], said["status_meaning"]
    return SlipSheet(
        kind="summary",
        title=Words(zh="报告摘要", en="Report summary"),
        lines=tuple(lines),
        status_words=Words(zh=f"{word}：{meaning}", en=sheet.status),
        number=sheet.serial,
        hall=sheet.hall,
        at_ms=sheet.issued_ms,
        mark=sheet.mark,
    )


def _running(sheet: ReportSheet, word: str) -> str:
    """What every page says of itself, lest a page be taken for another report's: status, age, which copy."""
    shape = "■" if sheet.status == "final" and not sheet.mark else "▲"
    parts = [f"{shape} {word}", f"数据截至 {clock(sheet.as_of_ms)}（出具时 {_age(sheet)}）"]
    return "　".join([*parts, *([_copy(sheet)] if sheet.copy_no > 1 else [])])


def _copy(sheet: ReportSheet) -> str:
    return f"补打 第 {sheet.copy_no - 1} 次"


def _terms(sheet: ReportSheet) -> list[list[str]]:
    rows = [
        ["报告编号", sheet.serial],
        ["出具时间", clock(sheet.issued_ms, seconds=True)],
        ["数据截至", f"{clock(sheet.as_of_ms)}（出具时 {_age(sheet)}）"],
        ["办理地点", f"{sheet.hall} {sheet.window} 号窗口"],
        ["经办人", sheet.clerk],
        ["查询依据", sheet.basis],
        ["约定用途", sheet.purpose],
    ]
    if sheet.copy_no > 1:
        rows.append(["份次", f"{_copy(sheet)}，以前各份的编号相同"])
    return rows


def _age(sheet: ReportSheet) -> str:
    return age_words(max(0, (sheet.issued_ms - sheet.as_of_ms) // 1000)).zh


def _group(group: Group) -> dict[str, Any]:
    expired = group.band == "expired"
    return {
        "title": group.title.zh,
        "count": "" if expired else f"{group.count} 条",
        "band": group.band,
        "band_words": f"{_SHAPES[group.band]} {BAND_WORDS[group.band].zh} · {age_words(group.age_s).zh}",
        "lines": list(group.lines) or ["离线期间未核验，未取得可用的信息。" if expired else "没有记录。"],
        "source": f"来源 {group.source} · 截至 {clock(group.as_of_ms)} · {group.rule.zh}",
    }
