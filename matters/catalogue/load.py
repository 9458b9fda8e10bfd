"""Reading a matter's TOML: parse once, refuse loudly, name the file, the line, the key and the reason."""

import tomllib
from importlib import resources
from typing import Any

import msgspec

from matters.authority import FAMILIES
from matters.errors import CatalogueInvalid
from matters.model import CASE_NAMES, Matter
from matters.records import CATEGORIES

_FILE_BYTES_MAX = 65_536
CAPABILITIES = ("public", "points", "summary", "detail")


def parse(code: str, toml_bytes: bytes) -> Matter:
    """The matter a TOML text describes; `code` is the file's stem and must equal the `code` inside.

    Raises CatalogueInvalid with file, line where known, key and reason. Unknown keys are refused.
    """
    file = f"{code}.toml"
    text = _text(file, toml_bytes)
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        raise CatalogueInvalid(file, "TOML", str(wrong), _line_in(str(wrong))) from wrong
    _refuse_unknown(file, text, table)
    table.setdefault("report", None)
    table.setdefault("quota", None)
    try:
        matter = msgspec.convert(table, Matter)
    except msgspec.ValidationError as wrong:
        key = _key_of(str(wrong))
        raise CatalogueInvalid(file, key, str(wrong), _line_of(text, key)) from wrong
    for key, reason in _faults(code, matter):
        raise CatalogueInvalid(file, key, reason, _line_of(text, key))
    return matter


def builtin() -> dict[str, Matter]:
    """Every matter shipped with Yizhan, by code, in file-name order."""
    folder = resources.files("matters.catalogue")
    files = sorted(
        (entry for entry in folder.iterdir() if entry.name.endswith(".toml")), key=lambda f: f.name
    )
    matters = (parse(file.name.removesuffix(".toml"), file.read_bytes()) for file in files)
    return {matter.code: matter for matter in matters}


def _text(file: str, toml_bytes: bytes) -> str:
    if len(toml_bytes) > _FILE_BYTES_MAX:
        raise CatalogueInvalid(file, "file", f"larger than {_FILE_BYTES_MAX} bytes")
    try:
        return toml_bytes.decode("utf-8")
    except UnicodeDecodeError as wrong:
        raise CatalogueInvalid(file, "file", f"not UTF-8 at byte {wrong.start}") from wrong


def _refuse_unknown(file: str, text: str, table: dict[str, Any]) -> None:
    known = set(Matter.__struct_fields__)
    for key in table:
        if key not in known:
            raise CatalogueInvalid(file, key, "unknown key", _line_of(text, key))


def _faults(code: str, matter: Matter) -> list[tuple[str, str]]:
    """(key, reason) for every value that is of the right type and still wrong."""
    checks = [
        ("code", matter.code == code, f"is {matter.code!r} but the file is named {code!r}"),
        (
            "cases",
            bool(matter.cases) and set(matter.cases) <= set(CASE_NAMES),
            f"allowed: {', '.join(CASE_NAMES)}",
        ),
        ("authority", matter.authority in FAMILIES, f"no such rule family; known: {', '.join(FAMILIES)}"),
        (
            "categories",
            bool(matter.categories) and set(matter.categories) <= set(CATEGORIES),
            f"allowed: {', '.join(CATEGORIES)}",
        ),
        ("capability", matter.capability in CAPABILITIES, f"allowed: {', '.join(CAPABILITIES)}"),
        ("policy", matter.policy >= 1, "must be 1 or more"),
        ("window_s", matter.window_s >= 0, "must not be negative"),
        *_age_checks(matter),
        *_word_checks(matter),
    ]
    return [(key, reason) for key, holds, reason in checks if not holds]


def _age_checks(matter: Matter) -> list[tuple[str, bool, str]]:
    allowed = {"*", *CATEGORIES}
    checks = []
    for key, ages in (("fresh_s", matter.fresh_s), ("usable_s", matter.usable_s)):
        checks += [
            (key, "*" in ages, 'needs a row "*"'),
            (key, set(ages) <= allowed, f"allowed rows: {', '.join(sorted(allowed))}"),
            (key, all(age >= 0 for age in ages.values()), "must not be negative"),
        ]
    rows = set(matter.fresh_s) | set(matter.usable_s)
    ordered = all(_age(matter.fresh_s, row) <= _age(matter.usable_s, row) for row in rows)
    return [*checks, ("usable_s", ordered, "must not be shorter than fresh_s")]


def _age(ages: dict[str, int], row: str) -> int:
    return ages.get(row, ages.get("*", 0))


def _word_checks(matter: Matter) -> list[tuple[str, bool, str]]:
    both = (
        ("title", matter.title),
        ("window_type", matter.window_type),
        ("refusal_offline", matter.refusal_offline),
    )
    checks = [(key, bool(words.zh and words.en), "needs zh and en") for key, words in both]
    return [*checks, ("permit", bool(matter.permit), "must not be empty")]


def _line_of(text: str, key: str) -> int | None:
    """The 1-based line that states `key` (or its table), for the person who has to mend it."""
    top = key.split(".", maxsplit=1)[0]
    for number, line in enumerate(text.splitlines(), start=1):
        stated = line.split("=", maxsplit=1)[0].strip().strip("[]").strip().strip('"')
        if stated == top:
            return number
    return None


def _key_of(message: str) -> str:
    """The key a msgspec message names: the path after `$.`, and the missing field if any."""
    _, found, rest = message.partition("`$.")
    path = [rest.split("`")[0]] if found else []
    if "missing required field" in message:
        path.append(message.split("`")[1])
    return ".".join(path)


def _line_in(message: str) -> int | None:
    """The line in a message of tomllib, `(at line 3, column 5)`; it names none at the end of the text."""
    _, found, rest = message.partition("at line ")
    digits = rest.split(",")[0]
    return int(digits) if found and digits.isdigit() else None
