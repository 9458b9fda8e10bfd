"""What a benchmark says: figures with their limits, floors and peers of the same run; as JSON and as one table."""

from collections.abc import Iterable
from pathlib import Path

import msgspec

from tests.bench.machine import Machine

RESULTS = Path(__file__).parent / "results"
TABLE = "README.md"
DIGITS = 4
LARGE = 1000


class Figure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One measured figure. `limit` reads "≤ 20" or "≥ 5000", None where none is set (`holds` is then True)."""

    value: float
    unit: str
    limit: str | None
    holds: bool


class Measure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A floor or a peer: what the figures stand beside."""

    value: float
    unit: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one bench returns."""

    figures: dict[str, Figure]
    floors: dict[str, Measure]
    peers: dict[str, Measure] = {}
    bound_by: str


class Result(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The document `results/<id>.json` (interfaces.md)."""

    id: str
    machine: Machine
    commit: str
    figures: dict[str, Figure]
    floors: dict[str, Measure]
    peers: dict[str, Measure]
    bound_by: str


def at_most(value: float, unit: str, limit: float) -> Figure:
    """A figure that must not be above its limit."""
    short = rounded(value)
    return Figure(value=short, unit=unit, limit=f"≤ {limit:g}", holds=short <= limit)


def at_least(value: float, unit: str, limit: float) -> Figure:
    """A figure that must not be below its limit."""
    short = rounded(value)
    return Figure(value=short, unit=unit, limit=f"≥ {limit:g}", holds=short >= limit)


def seen(value: float, unit: str) -> Figure:
    """A figure without a limit."""
    return Figure(value=rounded(value), unit=unit, limit=None, holds=True)


def floor(value: float, unit: str) -> Measure:
    """A floor or peer."""
    return Measure(value=rounded(value), unit=unit)


def rounded(value: float) -> float:
    """Four significant digits: more is noise."""
    short = float(f"{value:.{DIGITS}g}")
    return int(short) if short.is_integer() else short


def write(result: Result, folder: Path = RESULTS) -> None:
    """Write one result and the table of all."""
    folder.mkdir(parents=True, exist_ok=True)
    document = msgspec.json.format(msgspec.json.encode(result), indent=1)
    (folder / f"{result.id}.json").write_bytes(document + b"\n")
    (folder / TABLE).write_text(table(read(folder)), encoding="utf-8")


def read(folder: Path = RESULTS) -> list[Result]:
    """Every result of a folder, by id. Raises msgspec.ValidationError for a document of another shape."""
    return [
        msgspec.json.decode(path.read_bytes(), type=Result, strict=False)
        for path in sorted(folder.glob("*.json"))
    ]


def table(results: Iterable[Result]) -> str:
    """The results as one page of Markdown."""
    parts = [HEAD]
    for result in results:
        rows = [_figure(name, one) for name, one in result.figures.items()]
        rows += [_beside("floor", name, one) for name, one in result.floors.items()]
        rows += [_beside("peer", name, one) for name, one in result.peers.items()]
        parts += [f"## {result.id}\n", COLUMNS, *rows, f"\nBound by: {result.bound_by}.\n"]
        parts.append(f"{result.machine.words()}; commit {result.commit}.\n")
    return "\n".join(parts)


HEAD = """\
# Figures

Written by `make bench`; do not edit. What each bench does, and why its floor is its floor: `tests/bench/README.md`.
"""
COLUMNS = "| figure | value | limit | holds |\n|---|---|---|---|"


def _figure(name: str, one: Figure) -> str:
    verdict = "" if one.limit is None else "yes" if one.holds else "**no**"
    return f"| {name} | {shown(one.value)} {one.unit} | {one.limit or ''} | {verdict} |"


def _beside(what: str, name: str, one: Measure) -> str:
    return f"| *{what}*: {name} | {shown(one.value)} {one.unit} | | |"


def shown(value: float) -> str:
    """A rounded number as people read it: thousands apart, never an exponent."""
    return f"{value:,.0f}" if value >= LARGE else f"{value:g}"
