"""What the hall knows of a device at any moment, in words, and the way round each kind of device by hand."""

from typing import Literal

import msgspec

from matters.model import Words

READY = Words(zh="正常", en="ready")
OPENING = Words(zh="正在连接", en="connecting")
NOTHING = Words(zh="", en="")

_TYPE = Words(
    zh="不影响办理：核对证件原件，在表单中手工录入姓名和号码。",
    en="Work goes on: check the original and type name and number into the form.",
)
BY_HAND: dict[str, Words] = {
    "id_reader": _TYPE,
    "social_card": Words(
        zh="不影响办理：请出示居民身份证，或核对卡面后手工录入。",
        en="Work goes on: ask for the identity card, or type what the card says.",
    ),
    "organisation_card": Words(
        zh="不影响办理：核对营业执照，手工录入统一社会信用代码和名称。",
        en="Work goes on: check the licence and type its code and name.",
    ),
    "staff_card": Words(
        zh="不影响办理：用口令登录；须持卡签批的事项请到另一个窗口办理。",
        en="Work goes on: sign in by password; go to another window for what a card must sign.",
    ),
    "led_screen": Words(
        zh="不影响办理：请口头叫号，或把号码写在窗口牌上。",
        en="Work goes on: call the number aloud, or write it on the window's sign.",
    ),
    "receipt_printer": Words(
        zh="不影响办理：请群众抄下或拍下屏幕上的办件编号；回执留在打印台账，恢复后自动打出。",
        en="Work goes on: let the citizen note the case number; the slip waits and is printed later.",
    ),
    "a4_printer": Words(
        zh="不影响办理：在打印台账点“打开”，用浏览器送到另一台打印机；编号不变。",
        en="Work goes on: open the report from the print journal and print it elsewhere; same serial.",
    ),
    "caller_keys": Words(
        zh="不影响办理：用屏幕上的“下一位”（F2）叫号，评价请群众口头选择后由窗口代录。",
        en="Work goes on: call with “next person” (F2) on the screen.",
    ),
    "qr_scanner": Words(
        zh="不影响办理：在页面上手工录入二维码下方的编号。",
        en="Work goes on: type the number printed under the code.",
    ),
    "document_camera": Words(
        zh="不影响办理：收存纸质复印件，恢复后在办件页补拍。",
        en="Work goes on: keep a paper copy and photograph it on the case's page later.",
    ),
    "gps": Words(
        zh="不影响办理：停靠点写在日结备注里；位置恢复后自动记录。",
        en="Work goes on: write the stop into the day's remarks; positions are recorded again later.",
    ),
}
"""How to work on without a device, by kind; a kind without a row says `ANY_HAND`."""

ANY_HAND = Words(
    zh="不影响办理：请改用手工，并告知管理员。", en="Work goes on by hand; tell the hall manager."
)


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """The last test of a device from the device page: what it shows, and when (Unix ms)."""

    state: Literal["running", "passed", "failed"]
    words: Words
    at_ms: int


class DeviceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One device: `state` is ok, opening, absent or fault; `last_ok` Unix ms of the last success or None.

    `last_report` is when it last said something by itself (a card, a key, a code, a position, its state);
    `since_ms` when the present state began; `says` what it says it is; `by_hand` the way round it.
    """

    name: str
    kind: str
    window: str
    state: str
    last_ok: int | None
    words: Words
    next: Words
    last_report: int | None = None
    since_ms: int = 0
    says: Words = NOTHING
    by_hand: Words = NOTHING
    address: str = ""
    trial: Trial | None = None
