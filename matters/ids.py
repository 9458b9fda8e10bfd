"""Numbers of people and organisations: resident number, unified code, old organisation code.

Own checks, because stock libraries refuse numbers that are valid today (prefixes 81, 82, 83 and 9; domain.md
2.1). Every function is total: it returns the parsed value or a Refusal that says what is wrong.
"""

import unicodedata
from datetime import date

import msgspec

from matters.model import Refusal, Words

_RESIDENT_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECKS = "10X98765432"
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUES = {character: value for value, character in enumerate(_USCC_ALPHABET)}
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_DIGITS = frozenset("0123456789")
_ORGANISATION_CHARACTERS = frozenset("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
_RESIDENT_RULE = "GB 11643—1999 公民身份号码"
_USCC_RULE = "GB 32100—2015 统一社会信用代码"
_ORGANISATION_RULE = "GB 11714—1997 组织机构代码"
_EARLIEST_BIRTH_YEAR = 1870
_LENGTH = 18
_FIRST_GENERATION_LENGTH = 15
_ORGANISATION_LENGTH = 9
_SHOWN_EACH_END = 4

PROVINCES: dict[str, str] = {
    "11": "北京市", "12": "天津市", "13": "河北省", "14": "山西省", "15": "内蒙古自治区",
    "21": "辽宁省", "22": "吉林省", "23": "黑龙江省",
    "31": "上海市", "32": "江苏省", "33": "浙江省", "34": "安徽省", "35": "福建省", "36": "江西省",
    "37": "山东省",
    "41": "河南省", "42": "湖北省", "43": "湖南省", "44": "广东省", "45": "广西壮族自治区", "46": "海南省",
    "50": "重庆市", "51": "四川省", "52": "贵州省", "53": "云南省", "54": "西藏自治区",
    "61": "陕西省", "62": "甘肃省", "63": "青海省", "64": "宁夏回族自治区", "65": "新疆维吾尔自治区",
    "71": "台湾省", "81": "香港特别行政区", "82": "澳门特别行政区", "83": "台湾居民居住证",
}  # fmt: skip
"""GB/T 2260 at province level, with the residence-permit prefixes 81, 82, 83."""


_FAULTS: dict[str, tuple[str, str, str]] = {
    "id-first-generation": (
        "15位号码是第一代身份证，已停用",
        "A first-generation number of 15 digits is no longer a document",
        _RESIDENT_RULE,
    ),
    "id-length": (
        "身份证号码应为18位，现为{0}位",
        "A resident number has 18 characters, this has {0}",
        _RESIDENT_RULE,
    ),
    "id-characters": (
        "身份证号码前17位应为数字，末位为数字或X",
        "The first 17 characters must be digits, the last a digit or X",
        _RESIDENT_RULE,
    ),
    "id-region": ("地区码{0}不存在", "Region {0} does not exist", _RESIDENT_RULE),
    "id-birth": (
        "出生日期不是有效日期，或晚于今天",
        "The birth date is no real date or lies ahead",
        _RESIDENT_RULE,
    ),
    "id-check-digit": (
        "身份证号码校验位不符，请核对每一位",
        "The check character does not fit; compare every digit",
        _RESIDENT_RULE,
    ),
    "uscc-length": (
        "统一社会信用代码应为18位，现为{0}位",
        "A unified code has 18 characters, this has {0}",
        _USCC_RULE,
    ),
    "uscc-characters": (
        "统一社会信用代码不使用字符{0}",
        "A unified code does not use {0}",
        _USCC_RULE,
    ),
    "uscc-check-digit": (
        "统一社会信用代码校验位不符，请核对每一位",
        "The check character does not fit; compare every character",
        _USCC_RULE,
    ),
    "organisation-length": (
        "组织机构代码应为9位，现为{0}位",
        "An organisation code has 9 characters, this has {0}",
        _ORGANISATION_RULE,
    ),
    "organisation-characters": (
        "组织机构代码只含数字和大写字母",
        "An organisation code holds digits and capital letters only",
        _ORGANISATION_RULE,
    ),
    "organisation-check-digit": (
        "组织机构代码校验位不符，请核对每一位",
        "The check character does not fit; compare every character",
        _ORGANISATION_RULE,
    ),
}
_COMPARE = Words(
    zh="请对照证件原件逐位核对后重新录入。", en="Compare with the original document and enter it again."
)


class ResidentNumber(msgspec.Struct, frozen=True, kw_only=True):
    """A checked 18-character resident number; `sex` is GB/T 2261.1 (1 male, 2 female)."""

    text: str
    region: str
    birth: date
    sex: str


class Uscc(msgspec.Struct, frozen=True, kw_only=True):
    """A checked unified social credit code; `organisation` is the old 9-character code inside it.

    `organisation_valid` is false where the inner check character does not hold: genuine codes hold it, but
    GB 32100 does not make it a reason to refuse.
    """

    text: str
    authority: str
    category: str
    region: str
    organisation: str
    organisation_valid: bool


def plain(text: str) -> str:
    """A number as it is compared: half-width, upper case, without blanks, however it was entered."""
    if text.isascii():
        return "".join(text.split()).upper()
    return "".join(unicodedata.normalize("NFKC", text).split()).upper()


def resident_number(text: str, today: date) -> ResidentNumber | Refusal:
    """The resident number in `text` (full-width and lower-case x are accepted), or why it is none.

    Checks length, digits, region prefix, birth date (real, not after `today`) and the check character.
    """
    number = plain(text)
    misshapen = _resident_shape(number)
    if misshapen is not None:
        return misshapen
    if not _region_known(number):
        return _refuse("id-region", number[:6])
    birth = _birth(number[6:14], today)
    if birth is None:
        return _refuse("id-birth")
    if number[17] != resident_check(number[:17]):
        return _refuse("id-check-digit")
    return ResidentNumber(
        text=number, region=number[:6], birth=birth, sex="1" if int(number[16]) % 2 else "2"
    )


def resident_check(first17: str) -> str:
    """The check character of 17 digits (GB 11643, MOD 11-2)."""
    total = sum(weight * int(digit) for weight, digit in zip(_RESIDENT_WEIGHTS, first17, strict=True))
    return _RESIDENT_CHECKS[total % 11]


def uscc(text: str) -> Uscc | Refusal:
    """The unified social credit code in `text`, or why it is none."""
    code = plain(text)
    if len(code) != _LENGTH:
        return _refuse("uscc-length", len(code))
    wrong = sorted(set(code) - set(_USCC_ALPHABET))
    if wrong:
        return _refuse("uscc-characters", "".join(wrong))
    if code[17] != uscc_check(code[:17]):
        return _refuse("uscc-check-digit")
    inner = code[8:17]
    return Uscc(
        text=code,
        authority=code[0],
        category=code[1],
        region=code[2:8],
        organisation=inner,
        organisation_valid=inner[8] == organisation_check(inner[:8]),
    )


def uscc_check(first17: str) -> str:
    """The check character of the first 17 characters (GB 32100, MOD 31)."""
    total = sum(weight * _USCC_VALUES[c] for weight, c in zip(_USCC_WEIGHTS, first17, strict=True))
    return _USCC_ALPHABET[(31 - total % 31) % 31]


def organisation_code(text: str) -> str | Refusal:
    """The old organisation code in `text` as 9 characters without hyphen, or why it is none (GB 11714)."""
    code = plain(text).replace("-", "")
    if len(code) != _ORGANISATION_LENGTH:
        return _refuse("organisation-length", len(code))
    if not set(code) <= _ORGANISATION_CHARACTERS:
        return _refuse("organisation-characters")
    if code[8] != organisation_check(code[:8]):
        return _refuse("organisation-check-digit")
    return code


def organisation_check(first8: str) -> str:
    """The check character of 8 characters (GB 11714; 10 is written X, 11 is written 0)."""
    total = sum(weight * int(c, 36) for weight, c in zip(_ORGANISATION_WEIGHTS, first8, strict=True))
    value = 11 - total % 11
    return {10: "X", 11: "0"}.get(value, str(value))


def age_on(birth: date, day: date) -> int:
    """Full years of age on `day`; someone born on 29 February is a year older on 1 March."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def mask(number: str) -> str:
    """The number with its middle hidden: 3301••••••••••4516; eight characters or fewer are hidden whole."""
    hidden = len(number) - 2 * _SHOWN_EACH_END
    if hidden <= 0:
        return "•" * len(number)
    return f"{number[:_SHOWN_EACH_END]}{'•' * hidden}{number[-_SHOWN_EACH_END:]}"


def region_name(code: str) -> str:
    """The province a region code lies in, or an empty string; 9… is a foreigner's number."""
    if code.startswith("9"):
        province = PROVINCES.get(code[1:3], "")
        return f"外国人永久居留（{province}）" if province else ""
    return PROVINCES.get(code[:2], "")


def _region_known(number: str) -> bool:
    return number[1:3] in PROVINCES if number[0] == "9" else number[:2] in PROVINCES


def _resident_shape(number: str) -> Refusal | None:
    if len(number) == _FIRST_GENERATION_LENGTH and set(number) <= _DIGITS:
        return _refuse("id-first-generation")
    if len(number) != _LENGTH:
        return _refuse("id-length", len(number))
    if not set(number[:17]) <= _DIGITS or number[17] not in _RESIDENT_CHECKS:
        return _refuse("id-characters")
    return None


def _birth(digits: str, today: date) -> date | None:
    year, month, day = int(digits[:4]), int(digits[4:6]), int(digits[6:])
    try:
        birth = date(year, month, day)
    except ValueError:
        return None
    return birth if birth <= today and year >= _EARLIEST_BIRTH_YEAR else None


def _refuse(code: str, *values: object) -> Refusal:
    zh, en, rule = _FAULTS[code]
    words = Words(zh=zh.format(*values) + "。", en=en.format(*values) + ".")
    return Refusal(code=code, message=words, rule=rule, next=_COMPARE)
