"""The errors of this package, with what a clerk can do about each.

    DriverError           code              who is to blame     try again?
    ├── Absent            device-absent     cable or address    after plugging in
    ├── Busy              device-busy       another program     later
    ├── TimedOut          device-timeout    the device          yes
    │   ├── NoCard        no-card           nobody: no card lay on the reader
    │   └── NothingCame   nothing-came      nobody: no key was pressed, no code shown
    ├── Unplugged         device-unplugged  cable or power      after opening again
    ├── Garbled           device-garbled    the line            yes; the line is already in step again
    ├── Faulty            device-faulty     the device          no: it says itself that it is broken
    ├── NotThisDevice     not-this-device   address             after correcting the address
    ├── CardRefused       card-refused      the card            after laying it again
    ├── PinNeeded         pin-needed        nobody: this card opens only with its PIN
    ├── PinRefused        pin-refused       the card            not by itself: a person decides
    ├── PaperOut          paper-out         the printer         after a new roll
    ├── CoverOpen         cover-open        the printer         after closing the cover
    └── Offline           printer-offline   the printer         after clearing the fault

Every error carries its words in two languages and the next step. No error text ever holds what stood on
a card; `detail` is for technicians and names bytes, status words and lengths only.
"""

from typing import ClassVar, Literal

from matters.model import Words

Blame = Literal["device", "line", "address", "card", "paper", "nobody"]


class DriverError(Exception):
    """Trouble with a device. `code` is stable; `words` says what is wrong, `next` what to do now.

    `device` names the device as the technician addressed it (a URL) or is empty when a pure function raised
    it. `detail` is for the log: never personal data.
    """

    code: ClassVar[str] = "device-trouble"
    blame: ClassVar[Blame] = "device"
    retry: ClassVar[bool] = False
    default_words: ClassVar[Words] = Words(zh="设备出现故障。", en="The device is in trouble.")
    default_next: ClassVar[Words] = Words(
        zh="请改用手工办理，并告知管理员。", en="Work by hand for now and tell the manager."
    )

    def __init__(
        self,
        detail: str = "",
        *,
        device: str = "",
        words: Words | None = None,
        next_step: Words | None = None,
    ) -> None:
        self.detail = detail
        self.device = device
        self.words = words or self.default_words
        self.next = next_step or self.default_next
        super().__init__(detail)

    def at(self, device: str) -> "DriverError":
        """The same error, naming the device it came from (kept if it already names one)."""
        self.device = self.device or device
        return self

    def __str__(self) -> str:
        where = f" [{self.device}]" if self.device else ""
        why = f": {self.detail}" if self.detail else ""
        return f"{self.code}{where}{why}"


class Absent(DriverError):
    """Nothing is at the address: no such line, nobody listens, or no permission to open it."""

    code = "device-absent"
    blame = "line"
    retry = True
    default_words = Words(zh="没有找到设备。", en="The device was not found.")
    default_next = Words(
        zh="请检查电源和连接线，插好后会自动重新连接。", en="Check power and cable; it reconnects by itself."
    )


class Busy(DriverError):
    """Another program, or another call, holds the device."""

    code = "device-busy"
    blame = "nobody"
    retry = True
    default_words = Words(zh="设备正被其他程序占用。", en="Another program is using the device.")
    default_next = Words(
        zh="请关闭占用设备的程序，或稍后再试。", en="Close the other program, or try again shortly."
    )


class TimedOut(DriverError):
    """The device is there but did not answer in time."""

    code = "device-timeout"
    retry = True
    default_words = Words(zh="设备没有在规定时间内应答。", en="The device did not answer in time.")
    default_next = Words(
        zh="请再试一次；仍无应答时，请关闭设备电源 5 秒后重新打开。",
        en="Try again; if it stays silent, switch the device off for 5 seconds.",
    )


class NoCard(TimedOut):
    """No card lay on the reader within the time given. Normal, not a fault."""

    code = "no-card"
    blame = "nobody"
    default_words = Words(zh="没有读到证件。", en="No card was found.")
    default_next = Words(
        zh="请把证件平放在读卡区；刚读过的证件请先拿起再放下。",
        en="Lay the card flat on the reader; lift and lay again a card that was just read.",
    )


class NothingCame(TimedOut):
    """A device that speaks by itself had nothing to say. Normal, not a fault."""

    code = "nothing-came"
    blame = "nobody"
    default_words = Words(zh="没有收到设备的数据。", en="Nothing came from the device.")
    default_next = Words(zh="请再操作一次设备。", en="Use the device once more.")


class Unplugged(DriverError):
    """The line broke while in use. The driver has closed it; open again."""

    code = "device-unplugged"
    blame = "line"
    retry = True
    default_words = Words(zh="设备连接已断开。", en="The device was unplugged.")
    default_next = Words(
        zh="请重新插好连接线，设备会自动恢复。",
        en="Plug the cable in again; the device comes back by itself.",
    )


class Garbled(DriverError):
    """What came was not a whole, correct answer. Nothing of it was used; the line is in step again."""

    code = "device-garbled"
    blame = "line"
    retry = True
    default_words = Words(
        zh="设备传来的数据有误，已全部丢弃。", en="The device sent damaged data; none of it was used."
    )
    default_next = Words(
        zh="请再试一次；经常出现时请更换连接线。", en="Try again; if it happens often, replace the cable."
    )


class NotThisDevice(DriverError):
    """Something answers at the address, but not as this kind of device does."""

    code = "not-this-device"
    blame = "address"
    default_words = Words(zh="该地址上不是所设的设备。", en="This address is not the configured device.")
    default_next = Words(
        zh="请管理员核对设备地址和型号。", en="Ask the manager to check the device's address and model."
    )


class Faulty(DriverError):
    """The device answers and says itself that it is broken, or does not know what was asked."""

    code = "device-faulty"
    default_words = Words(zh="设备报告自身故障。", en="The device reports a fault of its own.")
    default_next = Words(
        zh="请关闭设备电源 5 秒后重开；仍报告故障请报修，并改用手工录入。",
        en="Switch it off for 5 seconds; if the fault returns call for repair and type by hand.",
    )


class CardRefused(DriverError):
    """The reader works, but this card could not be read or is of no known kind."""

    code = "card-refused"
    blame = "card"
    retry = True
    default_words = Words(zh="证件无法读取。", en="The card could not be read.")
    default_next = Words(
        zh="请拿起证件后重新平放；仍失败请核对原件并改用手工录入。",
        en="Lift the card and lay it flat again; if it still fails, check the original and type it in.",
    )


class PinNeeded(DriverError):
    """The card opens only with its PIN and none was given. Nothing was tried; no try was lost."""

    code = "pin-needed"
    blame = "nobody"
    default_words = Words(zh="此卡需要输入密码。", en="This card needs its PIN.")
    default_next = Words(zh="请持卡人输入密码。", en="Ask the card's holder to type the PIN.")


class PinRefused(DriverError):
    """The card refused the PIN, or no try may be made. `tries_left` 0 means blocked, None not said."""

    code = "pin-refused"
    blame = "card"
    default_words = Words(zh="卡片密码不正确。", en="The card's PIN is wrong.")
    default_next = Words(
        zh="不要再试，请持卡人确认密码；连续输错会锁卡。",
        en="Do not try again before the holder is sure: wrong tries lock the card.",
    )

    def __init__(
        self,
        detail: str = "",
        *,
        tries_left: int | None = None,
        device: str = "",
        next_step: Words | None = None,
        words: Words | None = None,
    ) -> None:
        self.tries_left = tries_left
        blocked = Words(zh="卡片密码已锁定。", en="The card's PIN is blocked.")
        unblock = Words(
            zh="请到发卡机构解锁，现在改用其他证件办理。",
            en="The issuer unblocks it; use another document now.",
        )
        shut = tries_left == 0
        super().__init__(
            detail,
            device=device,
            words=words or (blocked if shut else None),
            next_step=unblock if shut else next_step,
        )


class PaperOut(DriverError):
    """No paper. Raised only before a job: nothing was sent."""

    code = "paper-out"
    blame = "paper"
    retry = True
    default_words = Words(zh="打印机缺纸。", en="The printer is out of paper.")
    default_next = Words(zh="请装入新的热敏纸卷并合上机盖。", en="Put in a new roll and close the cover.")


class CoverOpen(DriverError):
    """The cover is open. Raised only before a job: nothing was sent."""

    code = "cover-open"
    retry = True
    default_words = Words(zh="打印机机盖未合上。", en="The printer's cover is open.")
    default_next = Words(zh="请合上机盖。", en="Close the cover.")


class Offline(DriverError):
    """The printer is switched offline or in error. Raised only before a job: nothing was sent."""

    code = "printer-offline"
    retry = True
    default_words = Words(zh="打印机处于脱机或故障状态。", en="The printer is offline or in error.")
    default_next = Words(
        zh="请清除卡纸、按下联机键；不行时关机 5 秒后重开。",
        en="Clear any jam and press the online key; failing that, switch it off for 5 seconds.",
    )
