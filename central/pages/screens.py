"""The console's templates in every language, on top of the shared look, with the console's own English."""

import hashlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po
from jinja2 import Environment

from central.pages import vocabulary
from matters.freshness import span_words
from ui import look

TEMPLATES = Path(__file__).parent / "templates"
STATIC = Path(__file__).parent / "static"
LOCALE = Path(__file__).parent / "locale"
HEX_SHOWN = 8
HEX_STEP = 4
SECOND_MS = 1000


@cache
def texts(lang: str) -> dict[str, str]:
    """The shared catalogue with the console's own on top; empty for Chinese, whose texts are the ids."""
    found = dict(look.catalogue(lang))
    for path in sorted((LOCALE / lang[:2]).glob("*.po")):
        with path.open("rb") as file:
            found |= {str(one.id): str(one.string) for one in read_po(file) if one.id and one.string}
    return found


def translator(lang: str) -> Callable[..., str]:
    """`_(text, **values)` for the console; a text without English comes back in Chinese."""
    known = texts(lang)

    def translate(text: str, **values: object) -> str:
        said = known.get(text, text)
        return said.format(**values) if values else said

    return translate


@cache
def asset(name: str) -> str:
    """The address of one of the console's own static files, marked with its content."""
    mark = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={mark}"


def spaced_hex(value: bytes | str) -> str:
    """A hash for the eye: its first and last four bytes in groups: `6b1d 09c4 … 31aa 77fe`."""
    text = value.hex() if isinstance(value, bytes) else value
    if len(text) <= 2 * HEX_SHOWN:
        return _grouped(text)
    return f"{_grouped(text[:HEX_SHOWN])} … {_grouped(text[-HEX_SHOWN:])}"


def moment(at_ms: int, now_ms: int) -> str:
    """Date and time to the second; the year only when it is another one: `11-21 12:00:31`."""
    text = look.clock(at_ms, seconds=True)
    year = look.clock(now_ms)[:5]
    return text.removeprefix(year)


def _grouped(text: str) -> str:
    return " ".join(text[start : start + HEX_STEP] for start in range(0, len(text), HEX_STEP))


def environment(lang: str) -> Environment:
    """The shared environment with the console's words, assets and filters (`hex`, `moment`, `span`, …)."""
    made = look.environment(TEMPLATES, lang=lang)
    made.globals.update({"_": translator(lang), "own_asset": asset})
    made.filters.update(
        {
            "hex": spaced_hex,
            "moment": moment,
            "span": lambda span_s: look.said(span_words(max(60, span_s)), lang),
            "since": lambda at_ms, now_ms: made.filters["ago"](max(0, now_ms - at_ms) // SECOND_MS),
            "word": lambda code, table: vocabulary.word(table, code, lang),
            "tone": vocabulary.tone,
        }
    )
    return made


class Console:
    """Every template of the console in every language."""

    def __init__(self) -> None:
        self._environments = {lang: environment(lang) for lang in look.LANGUAGES}

    def render(self, template: str, lang: str, context: Mapping[str, Any]) -> str:
        """The page as text; a name the context lacks raises (a bug)."""
        return self._environments[lang].get_template(template).render(context)
