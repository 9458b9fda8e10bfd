"""A lease read over the phone (protocol 6): 48 digits in eight groups, good once, for one node.

    number = payload (52 bits) || MAC (80 bits), in 40 digits; each group is five of them and a check digit
    payload = version 3 | capabilities 4 | hour of issue 20 | hours 7 | answers 3 | boots 3 | counter 12
    MAC = HMAC-SHA256(key, label || origin || scopes || payload)[:10]

The key is what the two sealing keys of node and centre agree on (X25519), so nothing more is kept or sent at
enrolment. The check digit (Damm, begun with the group's number) finds any wrong digit, two neighbours changed
about and a group in another's place, so that a slip of the tongue is named by its group and not by "wrong".
"""

import hashlib
import hmac
import unicodedata

import msgspec

from sync.errors import BadSignature, LeaseRefused, Malformed
from sync.lease.lease import Capability, Lease
from sync.signing.keys import SealingKey
from sync.signing.sealing import agreed_key

VERSION = 1
GROUPS = 8
GROUP_DIGITS = 6
DIGITS = GROUPS * GROUP_DIGITS
CAPABILITIES: tuple[Capability, ...] = ("public", "points", "summary", "detail")
"""By their bits, the lowest first; a place here is for ever."""
ANSWERS = (50, 100, 200, 500, 1000, 2000, 5000, 10_000)
BOOTS = (1, 2, 5, 10, 20, 50, 100, 200)
HOURS_MAX = 127
COUNTER_MAX = (1 << 12) - 1
HOUR_MS = 3_600_000
EPOCH_MS = 1_704_067_200_000
"""Hours are counted from 2024-01-01 UTC."""
_LABEL = b"yizhan/spoken-lease/1/"
_MAC_BYTES = 10
_PAYLOAD_BYTES = 7
_WIDTHS = (
    ("version", 3),
    ("capabilities", 4),
    ("hour", 20),
    ("hours", 7),
    ("answers", 3),
    ("boots", 3),
    ("counter", 12),
)
_DAMM = (
    "0317598642", "7092154863", "4206871359", "1750983426", "6123045978",
    "3674209581", "5869720134", "8945362017", "9438617205", "2581436790",
)  # fmt: skip


class Spoken(msgspec.Struct, frozen=True, kw_only=True):
    """What is granted, for `hours` from `hour` (since 2024); `counter` rises with every code of an origin."""

    capabilities: tuple[Capability, ...]
    hour: int
    hours: int
    answers: int
    boots: int
    counter: int

    def leases(self, origin: str, scopes: tuple[str, ...], policy: int) -> tuple[Lease, ...]:
        """The leases this stands for, the same ones on both sides."""
        return tuple(
            Lease(
                id=f"spoken-{self.counter}-{capability}-{scope}",
                origin=origin,
                scope=scope,
                capability=capability,
                not_before_ms=EPOCH_MS + self.hour * HOUR_MS,
                not_after_ms=EPOCH_MS + (self.hour + self.hours) * HOUR_MS,
                answers=self.answers,
                boots=self.boots,
                policy=policy,
            )
            for capability in self.capabilities
            for scope in scopes
        )


def key_of(own: SealingKey, other: bytes, origin: str) -> bytes:
    """The key both sides come to: the node with the centre's public sealing key, the centre with its."""
    return agreed_key(own, other, _LABEL + origin.encode())


def speak(spoken: Spoken, key: bytes, origin: str, scopes: tuple[str, ...]) -> str:
    """The digits to read out, in groups. Raises LeaseRefused for what cannot be said in a code."""
    payload = _payload(spoken)
    number = int.from_bytes(payload + _mac(key, origin, scopes, payload), "big")
    digits = f"{number:0{GROUPS * (GROUP_DIGITS - 1)}d}"
    groups = [digits[at : at + GROUP_DIGITS - 1] for at in range(0, len(digits), GROUP_DIGITS - 1)]
    return " ".join(group + str(_check(place, group)) for place, group in enumerate(groups, 1))


def digits_of(text: str) -> str:
    """The digits of what was typed or scanned; spaces, dashes and full-width forms are fine."""
    plain = unicodedata.normalize("NFKC", text)
    return "".join(letter for letter in plain if letter not in " -\t\r\n.,、，")


def wrong_groups(digits: str) -> tuple[int, ...]:
    """The groups, from 1, whose check digit does not fit. Raises Malformed unless there are 48 digits."""
    if len(digits) != DIGITS or not (digits.isascii() and digits.isdigit()):
        raise Malformed(f"a spoken lease has {DIGITS} digits")
    groups = [digits[at : at + GROUP_DIGITS] for at in range(0, DIGITS, GROUP_DIGITS)]
    return tuple(place for place, group in enumerate(groups, 1) if _check(place, group))


def hear(digits: str, key: bytes, origin: str, scopes: tuple[str, ...]) -> Spoken:
    """What the digits grant this node.

    Raises Malformed where a check digit does not fit, BadSignature for a code of another node, incarnation or
    scope, LeaseRefused for one of a later version.
    """
    if wrong_groups(digits):
        raise Malformed("a group was misheard or mistyped")
    groups = [digits[at : at + GROUP_DIGITS - 1] for at in range(0, DIGITS, GROUP_DIGITS)]
    number = int("".join(groups))
    if number >> 8 * (_PAYLOAD_BYTES + _MAC_BYTES):
        raise BadSignature("no code is that large")
    raw = number.to_bytes(_PAYLOAD_BYTES + _MAC_BYTES, "big")
    payload, mac = raw[:_PAYLOAD_BYTES], raw[_PAYLOAD_BYTES:]
    if not hmac.compare_digest(mac, _mac(key, origin, scopes, payload)):
        raise BadSignature("a code of another node, incarnation or scope")
    return _spoken(payload)


def _payload(spoken: Spoken) -> bytes:
    values = {
        "version": VERSION,
        "capabilities": sum(1 << CAPABILITIES.index(one) for one in spoken.capabilities),
        "hour": spoken.hour,
        "hours": spoken.hours,
        "answers": ANSWERS.index(spoken.answers) if spoken.answers in ANSWERS else -1,
        "boots": BOOTS.index(spoken.boots) if spoken.boots in BOOTS else -1,
        "counter": spoken.counter,
    }
    number = 0
    for name, width in _WIDTHS:
        if not 0 <= values[name] < 1 << width:
            raise LeaseRefused(f"{name} cannot be said in a code")
        number = number << width | values[name]
    if not (spoken.capabilities and spoken.hours and spoken.counter):
        raise LeaseRefused("a code grants something, for some time, once")
    return number.to_bytes(_PAYLOAD_BYTES, "big")


def _spoken(payload: bytes) -> Spoken:
    number, values = int.from_bytes(payload, "big"), {}
    for name, width in reversed(_WIDTHS):
        number, values[name] = number >> width, number & (1 << width) - 1
    if values["version"] != VERSION:
        raise LeaseRefused("a spoken lease of an unknown version")
    return Spoken(
        capabilities=tuple(one for bit, one in enumerate(CAPABILITIES) if values["capabilities"] >> bit & 1),
        hour=values["hour"],
        hours=values["hours"],
        answers=ANSWERS[values["answers"]],
        boots=BOOTS[values["boots"]],
        counter=values["counter"],
    )


def _mac(key: bytes, origin: str, scopes: tuple[str, ...], payload: bytes) -> bytes:
    bound = "\n".join([origin, *sorted(scopes)]).encode()
    return hmac.digest(key, _LABEL + hashlib.sha256(bound).digest() + payload, "sha256")[:_MAC_BYTES]


def _check(place: int, digits: str) -> int:
    """Damm's check digit of a group, begun with its place; 0 for a group with its own check digit."""
    state = place
    for digit in digits:
        state = int(_DAMM[state][int(digit)])
    return state
