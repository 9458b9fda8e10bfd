"""libpcsclite as it stands, through ctypes: nine calls, each raising an error of the tree.

Every call may block (see `blocking.py`). Which daemon answers is said by PCSCLITE_CSOCK_NAME, read by the
library once a process.
"""

import ctypes
import functools
from typing import Final

import msgspec

from drivers.errors import Absent, Busy, CardRefused, DriverError, Faulty, NotThisDevice, TimedOut, Unplugged
from matters.model import Words

LIBRARY: Final = "libpcsclite.so.1"
NEW_READERS: Final = "\\\\?PnP?\\Notification"  # the pseudo reader that changes when a reader comes or goes
PRESENT: Final = 0x20
MUTE: Final = 0x200
STATE_UNAVAILABLE: Final = 0x08
ATR_BYTES: Final = 33
ANSWER_BYTES: Final = 64 * 1024 + 2
SCOPE_SYSTEM: Final = 2
SHARED: Final = 2
ANY_PROTOCOL: Final = 3
LEAVE: Final = 0
RESET: Final = 1

_OK: Final = 0
_TIMEOUT: Final = 0x8010000A
_CANCELLED: Final = 0x80100002
_NO_READERS: Final = 0x8010002E
_REMOVED: Final = 0x80100069
_LIFTED: Final = frozenset((_REMOVED, 0x8010000C, 0x80100016, 0x80100068))
_MUTE: Final = frozenset((0x80100066, 0x80100067, 0x8010000F, 0x80100065))
_GONE: Final = frozenset((0x80100003, 0x80100009, 0x80100017, 0x80100013, 0x8010001D, 0x8010001E))

_Long = ctypes.c_long
_Dword = ctypes.c_ulong


class ReaderState(msgspec.Struct, frozen=True):
    """One reader as the daemon sees it: `state` holds flags below bit 16 and above them a count of events."""

    name: str
    state: int
    atr: bytes = b""

    @property
    def present(self) -> bool:
        """Whether a card lies in it."""
        return bool(self.state & PRESENT)

    @property
    def mute(self) -> bool:
        """Whether the card in it gives no answer (it may lie upside down)."""
        return bool(self.state & MUTE)


class _ReaderStruct(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("user", ctypes.c_void_p),
        ("current", _Dword),
        ("event", _Dword),
        ("atr_bytes", _Dword),
        ("atr", ctypes.c_ubyte * ATR_BYTES),
    )


class _Protocol(ctypes.Structure):
    _fields_ = (("protocol", _Dword), ("struct_bytes", _Dword))


@functools.cache
def _library() -> ctypes.CDLL:
    """The loaded library. Raises Absent when it is not installed."""
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError:
        raise Absent(
            f"{LIBRARY} is not installed",
            words=Words(zh="本机没有安装读卡服务。", en="No card reading software is installed."),
            next_step=Words(
                zh="请管理员安装 pcscd 和 libpcsclite1。", en="The manager installs pcscd and libpcsclite1."
            ),
        ) from None
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    library.SCardEstablishContext.argtypes = (_Dword, pointer, pointer, pointer)
    library.SCardReleaseContext.argtypes = (_Long,)
    library.SCardCancel.argtypes = (_Long,)
    library.SCardListReaders.argtypes = (_Long, pointer, pointer, pointer)
    library.SCardGetStatusChange.argtypes = (_Long, _Dword, pointer, _Dword)
    library.SCardConnect.argtypes = (_Long, text, _Dword, _Dword, pointer, pointer)
    library.SCardBeginTransaction.argtypes = (_Long,)
    library.SCardEndTransaction.argtypes = (_Long, _Dword)
    library.SCardDisconnect.argtypes = (_Long, _Dword)
    library.SCardTransmit.argtypes = (_Long, pointer, text, _Dword, pointer, pointer, pointer)
    return library


def trouble(code: int, call: str) -> DriverError:
    """The error of the tree that a return code stands for."""
    detail = f"{call}: {code:08X}"
    if code in _LIFTED:
        return CardRefused(detail, words=_LIFTED_EARLY, next_step=_HOLD_STILL)
    if code in _MUTE:
        return CardRefused(detail, words=_NO_LIFE, next_step=_HOLD_STILL)
    if code in _GONE:
        return Unplugged(detail)
    kinds = {_NO_READERS: Absent, 0x8010000B: Busy, _TIMEOUT: TimedOut, 0x80100004: NotThisDevice}
    return kinds.get(code, Faulty)(detail)


_LIFTED_EARLY: Final = Words(zh="卡片在读取完成前被拿走。", en="The card was lifted before it was read.")
_HOLD_STILL: Final = Words(
    zh="请重新放好卡片，读完前不要移动。", en="Lay the card again and leave it until it is read."
)
_NO_LIFE: Final = Words(zh="卡片没有反应。", en="The card does not respond.")


def says_lifted(error: DriverError) -> bool:
    """Whether an error says that the card is gone, which the daemon may not have noticed."""
    return error.words is _LIFTED_EARLY


def _check(code: int, call: str) -> None:
    code &= 0xFFFFFFFF
    if code != _OK:
        raise trouble(code, call)


def establish() -> int:
    """A new context. Raises Unplugged when no daemon runs."""
    context = _Long()
    _check(_library().SCardEstablishContext(SCOPE_SYSTEM, None, None, ctypes.byref(context)), "establish")
    return context.value


def release(context: int) -> None:
    """Give a context back; a dead one too."""
    _library().SCardReleaseContext(context)


def cancel(context: int) -> None:
    """End a `status_change` that waits in another thread."""
    _library().SCardCancel(context)


def readers(context: int) -> list[str]:
    """The names of the readers now, sorted as the daemon has them; none is no error."""
    names = ctypes.create_string_buffer(4096)
    size = _Dword(len(names))
    code = _library().SCardListReaders(context, None, names, ctypes.byref(size)) & 0xFFFFFFFF
    if code == _NO_READERS:
        return []
    _check(code, "readers")
    return [name.decode("utf-8", "replace") for name in names.raw[: size.value].split(b"\0") if name]


def status_change(context: int, known: list[ReaderState], wait_ms: int) -> list[ReaderState]:
    """The readers' states once one differs from `known`, or after `wait_ms` as they are."""
    block = (_ReaderStruct * len(known))()
    for struct, reader in zip(block, known, strict=True):
        struct.name = reader.name.encode()
        struct.current = reader.state
    code = _library().SCardGetStatusChange(context, wait_ms, block, len(known)) & 0xFFFFFFFF
    if code not in {_OK, _TIMEOUT, _CANCELLED}:
        raise trouble(code, "status")
    return [
        ReaderState(reader.name, struct.event, bytes(struct.atr[: min(struct.atr_bytes, ATR_BYTES)]))
        for struct, reader in zip(block, known, strict=True)
    ]


def connect(context: int, reader: str) -> tuple[int, int]:
    """Power the card up, shared: (card, protocol). Raises CardRefused, Busy, Unplugged."""
    card, protocol = _Long(), _Dword()
    outs = (ctypes.byref(card), ctypes.byref(protocol))
    _check(_library().SCardConnect(context, reader.encode(), SHARED, ANY_PROTOCOL, *outs), "connect")
    return card.value, protocol.value


def begin(card: int) -> None:
    """Keep every other program out until `end`."""
    _check(_library().SCardBeginTransaction(card), "begin")


def end(card: int, disposition: int) -> None:
    """Let others in and let go of the card; with RESET it forgets a PIN. Never fails: it may be gone."""
    _library().SCardEndTransaction(card, disposition)
    _library().SCardDisconnect(card, LEAVE)


def transmit(card: int, protocol: int, command: bytes) -> bytes:
    """One command and the card's raw answer."""
    head = _Protocol(protocol, ctypes.sizeof(_Protocol))
    answer = ctypes.create_string_buffer(ANSWER_BYTES)
    size = _Dword(ANSWER_BYTES)
    code = _library().SCardTransmit(
        card, ctypes.byref(head), command, len(command), None, answer, ctypes.byref(size)
    )
    _check(code, "transmit")
    if not size.value:
        raise trouble(
            _REMOVED, "transmit"
        )  # no answer and no error: what a reader says of a card just lifted
    return answer.raw[: size.value]
