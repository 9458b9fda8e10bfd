"""The look both programs share: template environments, words in two languages, times, static files.

Chinese is the message id. `translator("en")` reads every `locale/en/*.po`; `tests/unit/ui` fails for a text
without English. A page is rendered by `Screens.render`, one environment a language, so that macros need no
context. Nothing here does I/O after construction.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any, Final

from babel.messages.pofile import read_po
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from matters.differences import next_step
from matters.freshness import BAND_WORDS, age_words, span_words
from matters.model import Words
from ui.codes import NATIONS, SEXES

LANGUAGES: Final = ("zh-CN", "en")
"""Languages every page speaks; the first is used where nobody chose."""

STATIC: Final = Path(__file__).parent / "static"
"""The folder both programs serve under `/static/`."""

_TEMPLATES: Final = Path(__file__).parent / "templates"
_LOCALE: Final = Path(__file__).parent / "locale"
_HALL_TIME: Final = timezone(timedelta(hours=8))
_BAND_SHAPES: Final = {"fresh": "●", "ageing": "▲", "expired": "◆"}


def language(asked: str | None, cookie: str | None) -> str:
    """The page's language: `?lang=` first, then the cookie, then Chinese. Unknown values count as absent."""
    for wish in (asked, cookie):
        for known in LANGUAGES:
            if wish and known.lower().startswith(wish.lower()[:2]):
                return known
    return LANGUAGES[0]


@cache
def catalogue(lang: str) -> dict[str, str]:
    """Message id → text of every `locale/<lang>/*.po`; empty for Chinese. Raises OSError when unreadable."""
    texts: dict[str, str] = {}
    for path in sorted((_LOCALE / lang[:2]).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file):
                if isinstance(message.id, str) and message.id and message.string:
                    texts[message.id] = str(message.string)
    return texts


def translator(lang: str) -> Callable[..., str]:
    """A function `_(text, **values)`: the text in `lang`, `{name}` filled from `values`.

    A text without a translation comes back in Chinese: a clerk can still read it.
    """
    texts = catalogue(lang)

    def translate(text: str, **values: object) -> str:
        said = texts.get(text, text)
        return said.format(**values) if values else said

    return translate


def said(words: Words | str, lang: str) -> str:
    """`words` in `lang`; a plain string is returned as it is (names and titles that have one form)."""
    if isinstance(words, str):
        return words
    return words.en if lang == "en" else words.zh


def clock(at_ms: int, now_ms: int | None = None, *, seconds: bool = False) -> str:
    """Hall time (UTC+8): `12:04` today, `11-20 12:04` this year, else `2025-11-20 12:04`.

    Without `now_ms` the whole date is written.
    """
    moment = datetime.fromtimestamp(at_ms / 1000, UTC).astimezone(_HALL_TIME)
    time = "%H:%M:%S" if seconds else "%H:%M"
    if now_ms is None:
        return moment.strftime(f"%Y-%m-%d {time}")
    now = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(_HALL_TIME)
    if moment.date() == now.date():
        return moment.strftime(time)
    return moment.strftime(f"%m-%d {time}" if moment.year == now.year else f"%Y-%m-%d {time}")


def day(value: date | None) -> str:
    """A day as `2026-11-21`; None, which on cards means no end, as 长期."""
    return value.isoformat() if value else "长期"


UNIT = 1024


def spaced(number: int) -> str:
    """A count with fixed spaces between thousands: 48 217."""
    return f"{number:,}".replace(",", "\u00a0")


def size(many: int) -> str:
    """Bytes for the eye: 640 B, 12 KB, 3.4 MB (of 1,024)."""
    if many < UNIT:
        return f"{many}\u00a0B"
    kilos = many / UNIT
    return f"{kilos:.0f}\u00a0KB" if kilos < UNIT else f"{kilos / UNIT:.1f}\u00a0MB"


def masked(digest: str | bytes, keep: int = 4) -> str:
    """A hash shortened for the eye: `9f3c…e21a`."""
    text = digest.hex() if isinstance(digest, bytes) else digest
    return text if len(text) <= 2 * keep + 1 else f"{text[:keep]}…{text[-keep:]}"


@cache
def asset(name: str) -> str:
    """The address of a static file, marked with its content, so that it may be cached for ever."""
    mark = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={mark}"


@cache
def colours() -> tuple[tuple[str, str], ...]:
    """(name, #rrggbb) of every colour token, from the one file that defines them, in its order."""
    text = (STATIC / "tokens.css").read_text("utf-8")
    return tuple(re.findall(r"--([a-z0-9-]+):\s*(#[0-9a-f]{6})\b", text))


def environment(*templates: Path, lang: str = LANGUAGES[0]) -> Environment:
    """A template environment over `templates` and the shared ones (`ui/…`), speaking `lang`.

    Autoescape is on, an undefined name raises. Globals: `_`, `lang`, `asset`. Filters: `said`
    (Words), `clock(now_ms)`, `day`, `ago` and `span` (seconds as words), `spaced`, `masked`, `sex`
    and `nation` (codes as words), `band_word`, `band_shape`.
    """
    made = Environment(
        loader=FileSystemLoader((*templates, _TEMPLATES)),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update({"_": translator(lang), "lang": lang, "asset": asset})
    made.filters.update(
        {
            "said": lambda words: said(words, lang),
            "next_step": lambda code: said(next_step(code), lang),
            "clock": clock,
            "day": lambda value: translator(lang)(day(value)),
            "ago": lambda age_s: said(age_words(age_s), lang),
            "span": lambda span_s: said(span_words(max(60, span_s)), lang),
            "sex": lambda code: said(SEXES[code] if code in SEXES else str(code), lang),
            "nation": lambda code: said(NATIONS[code], lang) if code in NATIONS else str(code),
            "spaced": spaced,
            "size": size,
            "masked": masked,
            "band_word": lambda band: said(BAND_WORDS[band], lang),
            "band_shape": _BAND_SHAPES.__getitem__,
        }
    )
    return made


class Screens:
    """The templates of one program in every language."""

    def __init__(self, *templates: Path) -> None:
        self._environments = {lang: environment(*templates, lang=lang) for lang in LANGUAGES}

    def render(self, template: str, lang: str, context: Mapping[str, Any]) -> str:
        """The page as text. Raises jinja2.UndefinedError for a name the context lacks (a bug)."""
        return self._environments[lang].get_template(template).render(context)
