"""NMEA 0183: sentences with check sums, positions from RMC and GGA of any talker (GP, BD, GN, GL, GA). Pure.

$GNRMC,hhmmss.ss,A,ddmm.mmmm,N,dddmm.mmmm,E,knots,course,ddmmyy,…*hh
$GNGGA,hhmmss.ss,ddmm.mmmm,N,dddmm.mmmm,E,quality,satellites,…*hh
"""

import datetime as dt
import re
from functools import reduce
from operator import xor
from typing import Final

from drivers.errors import Garbled
from drivers.ports import Fix
from drivers.wires.listening import Damage, Finder

SENTENCE_BYTES_MAX: Final = 120  # the standard says 82; receivers with many systems exceed it
KNOT_KMH: Final = 1.852
RMC_FIELDS: Final = 10
GGA_FIELDS: Final = 8
_CENTURY: Final = 2000
_COORDINATE: Final = re.compile(r"(\d{2,3})(\d\d\.\d{1,8})")
_TIME: Final = re.compile(r"(\d\d)(\d\d)(\d\d)(?:\.(\d{1,6}))?")
_DATE: Final = re.compile(r"(\d\d)(\d\d)(\d\d)")


class Sentences(Finder[Fix]):
    """Finds position reports in a stream, drops what is between; holds at most one unfinished sentence.

    One report per RMC sentence; quality and satellites are those of the last GGA.
    """

    def __init__(self) -> None:
        super().__init__()
        self._satellites: int | None = None
        self._differential = False

    def reset(self) -> None:
        """Forget half a sentence and the last GGA."""
        super().reset()
        self._satellites, self._differential = None, False

    def _next(self) -> Fix | Damage | None:
        event = None
        while event is None and (sentence := self._sentence()) is not None:
            event = self._read(sentence)
        return event

    def _sentence(self) -> bytes | None:
        start = self._held.find(b"$")
        del self._held[: start if start >= 0 else len(self._held)]
        end = self._held.find(b"\n", 0, SENTENCE_BYTES_MAX + 1)
        if end < 0:
            if len(self._held) <= SENTENCE_BYTES_MAX:
                return None
            end = SENTENCE_BYTES_MAX  # by its own length, so that it does not matter in which pieces it came
        sentence = bytes(self._held[:end]).rstrip(b"\r\n")
        del self._held[:end]
        return sentence[sentence.rfind(b"$") :]  # a sentence that broke off is followed by a whole one

    def _read(self, sentence: bytes) -> Fix | Damage | None:
        body, star, check = sentence[1:].partition(b"*")
        if not star or check.upper() != check_sum(body) or not body.isascii():
            return Damage("check sum")
        fields = body.decode("ascii").split(",")
        try:
            if fields[0][2:] == "GGA":
                self._quality(fields)
            if fields[0][2:] == "RMC":
                return self._position(fields)
        except Garbled as wrong:
            return Damage(f"{fields[0][2:]}: {wrong.detail}")
        return None

    def _quality(self, fields: list[str]) -> None:
        if len(fields) < GGA_FIELDS or not (fields[6].isdigit() and fields[7].isdigit()):
            raise Garbled("fields")
        self._differential = fields[6] in {"2", "4", "5"}
        self._satellites = int(fields[7])

    def _position(self, fields: list[str]) -> Fix:
        if len(fields) < RMC_FIELDS or fields[2] not in {"A", "V"}:
            raise Garbled("fields")
        if fields[2] == "V":
            return Fix(state="none", satellites=self._satellites)
        return Fix(
            state="differential" if self._differential else "fix",
            latitude=_degrees(fields[3], fields[4], "NS", 90),
            longitude=_degrees(fields[5], fields[6], "EW", 180),
            at_ms=_at_ms(fields[1], fields[9]),
            satellites=self._satellites,
            speed_kmh=_speed(fields[7]),
        )


def check_sum(body: bytes) -> bytes:
    """Two hexadecimal digits over everything between $ and *."""
    return b"%02X" % reduce(xor, body, 0)


def sentence(body: str) -> bytes:
    """A whole sentence from its body."""
    encoded = body.encode("ascii")
    return b"$" + encoded + b"*" + check_sum(encoded) + b"\r\n"


def report(fix: Fix, talker: str = "GN") -> bytes:
    """The GGA and RMC sentences a receiver sends for a position (for the twin)."""
    if fix.latitude is None or fix.longitude is None or fix.at_ms is None:
        gga = f"{talker}GGA,,,,,,0,{fix.satellites or 0:02d},,,,,,,"
        return sentence(gga) + sentence(f"{talker}RMC,,V,,,,,,,,,,N")
    at = dt.datetime.fromtimestamp(fix.at_ms / 1000, dt.UTC)
    clock = f"{at:%H%M%S}.{at.microsecond // 10000:02d}"
    place = f"{_dm(fix.latitude, 'NS', 2)},{_dm(fix.longitude, 'EW', 3)}"
    quality = 2 if fix.state == "differential" else 1
    gga = f"{talker}GGA,{clock},{place},{quality},{fix.satellites or 0:02d},1.0,,M,,M,,"
    speed = "" if fix.speed_kmh is None else f"{fix.speed_kmh / KNOT_KMH:.3f}"
    return sentence(gga) + sentence(f"{talker}RMC,{clock},A,{place},{speed},,{at:%d%m%y},,,A")


def _dm(degrees: float, marks: str, places: int) -> str:
    whole, part = divmod(abs(degrees), 1)
    return f"{int(whole):0{places}d}{part * 60:08.5f},{marks[degrees < 0]}"


def _degrees(text: str, mark: str, marks: str, most: int) -> float:
    match = _COORDINATE.fullmatch(text)
    if match is None or mark not in tuple(marks):
        raise Garbled("position")
    degrees = int(match[1]) + float(match[2]) / 60
    if degrees > most or float(match[2]) >= 60:  # noqa: PLR2004 - minutes
        raise Garbled("position")
    return round(-degrees if mark == marks[1] else degrees, 7)


def _at_ms(time: str, date: str) -> int:
    clock, day = _TIME.fullmatch(time), _DATE.fullmatch(date)
    if clock is None or day is None:
        raise Garbled("time")
    micros = int((clock[4] or "0").ljust(6, "0"))
    try:
        at = dt.datetime(
            _CENTURY + int(day[3]),
            int(day[2]),
            int(day[1]),
            int(clock[1]),
            int(clock[2]),
            int(clock[3]),
            micros,
            dt.UTC,
        )
    except ValueError:
        raise Garbled("time") from None
    return round(at.timestamp() * 1000)


def _speed(text: str) -> float | None:
    if not text:
        return None
    if not re.fullmatch(r"\d{1,4}(\.\d{1,6})?", text):
        raise Garbled("speed")
    return round(float(text) * KNOT_KMH, 2)
