"""Pictures as geometry: lines and cells in whole SVG units, so that templates only place them. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta

import msgspec

from matters.calendar import china_day

SPARK_WIDTH, SPARK_HEIGHT, SPARK_EDGE = 120, 26, 3
CHART_WIDTH, CHART_HEIGHT, CHART_EDGE = 860, 60, 8
CELL, CELL_STEP, ROW_STEP = 14, 17, 20
CHART_DAYS_MAX = 92
LABELS_MAX = 7

CELL_CLASSES = {"matched": "c3", "waiting": "c2", "open": "cb", "missing": "c0", "unheard": "cw", "": "c1"}
"""State of a node's day → class of its cell; an unknown state is drawn as idle."""


class Spark(msgspec.Struct, frozen=True, kw_only=True):
    """A small line without axes: the path, and what a text alternative needs."""

    path: str
    last: int
    peak: int
    width: int = SPARK_WIDTH
    height: int = SPARK_HEIGHT


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """A word under a chart; `anchor` is the SVG text anchor."""

    x: int
    text: str
    anchor: str


class Chart(msgspec.Struct, frozen=True, kw_only=True):
    """Counts a day as an area; `days` holds every (day, count), oldest first, for the text alternative."""

    area: str
    line: str
    labels: tuple[Label, ...]
    days: tuple[tuple[str, int], ...]
    peak: int
    width: int = CHART_WIDTH
    height: int = CHART_HEIGHT


class Cell(msgspec.Struct, frozen=True, kw_only=True):
    """One day of one node in the heat strip."""

    x: int
    y: int
    kind: str
    state: str
    day: str


class StripRow(msgspec.Struct, frozen=True, kw_only=True):
    """One node of the heat strip: its cells and how many days stand in each state."""

    name: str
    cells: tuple[Cell, ...]
    counts: dict[str, int]


class Strip(msgspec.Struct, frozen=True, kw_only=True):
    """Days × nodes. `rows` are in the order drawn; `counts` sums the states of all cells."""

    rows: tuple[StripRow, ...]
    days: tuple[str, ...]
    counts: dict[str, int]
    width: int
    height: int
    cell: int = CELL


def spark(values: Sequence[int]) -> Spark:
    """A line through `values`, oldest left, zero at the bottom; no values give an empty path."""
    peak = max(values, default=0)
    path = _line(_points(values, peak, SPARK_WIDTH, SPARK_HEIGHT, SPARK_EDGE))
    return Spark(path=path, last=values[-1] if values else 0, peak=peak)


def chart(moments_ms: Sequence[int], since: date | None, until: date) -> Chart:
    """How often a day, in hall time, from `since` (or the first moment) to `until`; at most 92 days."""
    counts = _by_day(moments_ms, since, until)
    values = [count for _, count in counts]
    peak = max(values, default=0)
    points = _points(values, peak, CHART_WIDTH, CHART_HEIGHT, CHART_EDGE)
    line = _line(points)
    area = f"{line} L{CHART_WIDTH} {CHART_HEIGHT} L0 {CHART_HEIGHT}Z" if line else ""
    labels = _labels([day for day, _ in counts])
    return Chart(area=area, line=line, labels=labels, days=tuple(counts), peak=peak)


def strip(days: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> Strip:
    """The heat strip of (node name, a state a day), one line a node in the order given."""
    drawn = []
    for line, (name, states) in enumerate(rows):
        cells = tuple(
            Cell(
                x=place * CELL_STEP,
                y=line * ROW_STEP,
                kind=CELL_CLASSES.get(state, "c1"),
                state=state,
                day=day,
            )
            for place, (day, state) in enumerate(zip(days, states, strict=False))
        )
        drawn.append(StripRow(name=name, cells=cells, counts=_count(states)))
    return Strip(
        rows=tuple(drawn),
        days=tuple(days),
        counts=_count([state for _, states in rows for state in states]),
        width=max(len(days), 1) * CELL_STEP,
        height=max(len(rows), 1) * ROW_STEP,
    )


def _by_day(moments_ms: Sequence[int], since: date | None, until: date) -> list[tuple[str, int]]:
    found = [china_day(moment) for moment in moments_ms]
    first = min(since or until, *found, until)
    first = max(first, until - timedelta(days=CHART_DAYS_MAX - 1))
    days = [first + timedelta(days=step) for step in range((until - first).days + 1)]
    return [(day.isoformat(), found.count(day)) for day in days]


def _points(values: Sequence[int], peak: int, width: int, height: int, edge: int) -> list[tuple[int, int]]:
    """Evenly spaced points; one value becomes a level line of two."""
    flat = list(values) * 2 if len(values) == 1 else list(values)
    room = height - 2 * edge
    return [
        (round(place * width / (len(flat) - 1)), height - edge - (round(value * room / peak) if peak else 0))
        for place, value in enumerate(flat)
    ]


def _line(points: Sequence[tuple[int, int]]) -> str:
    return " ".join(f"{'M' if place == 0 else 'L'}{x} {y}" for place, (x, y) in enumerate(points))


def _labels(days: Sequence[str]) -> tuple[Label, ...]:
    if not days:
        return ()
    step = max(1, -(-(len(days) - 1) // (LABELS_MAX - 1)))
    last = len(days) - 1
    places = [place for place in range(0, last, step) if last - place >= step / 2] + [last]
    return tuple(
        Label(
            x=round(place * CHART_WIDTH / last) if last else 0,
            text=days[place][5:],
            anchor="start" if place == 0 else "end" if place == last else "middle",
        )
        for place in places
    )


def _count(states: Sequence[str]) -> dict[str, int]:
    return {state: list(states).count(state) for state in dict.fromkeys(states)}
