"""answer: cached answers over HTTP from a serving node whose line hangs, against the least such an answer can cost."""

import contextlib
import json
from collections.abc import Sequence
from random import Random

import msgspec

from tests.bench import counter, store
from tests.bench.desk import Desk, own_query
from tests.bench.figures import Outcome, at_most, floor, seen
from tests.bench.machine import using
from tests.bench.sizes import Size
from tests.bench.stage import Stage
from tests.bench.timing import forget_pages, paced, percentile, samples_ms, took
from tests.story.outside import node_connection
from tests.story.world import Place

P99_MS = 20
OVER_FLOOR = 3
PACE_S = 0.2
NO_OP = "/api/reads/latest"
NO_OP_STATUS = (200, 204)
ROW_BYTES = 640
PRINT_PACE_S = 0.5


class Series(msgspec.Struct, frozen=True, kw_only=True):
    """Milliseconds of many answers, and what the node's processor spent on them (seconds)."""

    samples_ms: list[float]
    seconds: float
    node_cpu_s: float


class Floors(msgspec.Struct, frozen=True, kw_only=True):
    """Median milliseconds of the least an answer needs, each measured in this run."""

    lookup: float
    commit: float
    no_op: float


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The series of one run."""

    warm: Series
    cold: Series
    papers: Series
    windows: Series
    crowd: Series


def run(stage: Stage, size: Size) -> Outcome:
    """The hall serves its county; the line is cut as in the story; then clerks ask."""
    place = stage.equipped
    place.serve()
    assert place.program is not None
    try:
        return _answers(stage, place, size)
    finally:
        place.program.stop()
        place.line.restore()


def _answers(stage: Stage, place: Place, size: Size) -> Outcome:
    people = counter.citizens(stage, size.cards + size.answers)
    cards, others = people[: size.cards], people[size.cards :]
    reads = counter.read_ids(stage, place, cards)
    place.line.stall()
    queries = [own_query(read) for read in reads]
    letters = [json.dumps(counter.letter_query(one, cards[0], reads[0])).encode() for one in others]
    printed = _rounds([own_query(read, "print") for read in reads], size.printed)
    with contextlib.ExitStack() as open_desks:
        desks = [open_desks.enter_context(counter.desk_at(stage, place, n + 1)) for n in range(size.windows)]
        desk = desks[0]
        _breaker_opens(desk, queries[0])
        warm = _one_clerk(place, desk, _rounds(queries, size.answers))
        forget_pages(place.data / "node.db")
        cold = _one_clerk(place, desk, letters)
        no_op = percentile(samples_ms(lambda: _no_op(desk), size.answers), 50)
        floors = _floors(stage, place, no_op, size.answers)
        windows = _windows(place, desks, queries, size, pause_s=PACE_S)
        crowd = _windows(place, desks, queries, size, pause_s=0.0)
        papers = _one_clerk(place, desk, printed, pause_s=PRINT_PACE_S)
    done = Done(warm=warm, cold=cold, papers=papers, windows=windows, crowd=crowd)
    return _outcome(done, floors, size, _count(place))


def _outcome(done: Done, floors: Floors, size: Size, subjects: int) -> Outcome:
    warm, crowd = done.warm, done.crowd
    least_ms = floors.lookup + floors.commit + floors.no_op
    return Outcome(
        figures={
            "subjects in the cache": seen(subjects, "subjects"),
            "one clerk, p50": seen(_p(warm, 50), "ms"),
            "one clerk, p99": at_most(_p(warm, 99), "ms", P99_MS),
            "one clerk, another subject each time by letter, file pages cold, p50": seen(
                _p(done.cold, 50), "ms"
            ),
            "one clerk, another subject each time by letter, file pages cold, p99": at_most(
                _p(done.cold, 99), "ms", P99_MS
            ),
            f"one clerk, with report and slip, one every {PRINT_PACE_S:g} s, p50": seen(
                _p(done.papers, 50), "ms"
            ),
            f"one clerk, with report and slip, one every {PRINT_PACE_S:g} s, p99": at_most(
                _p(done.papers, 99), "ms", P99_MS
            ),
            f"{size.windows} windows, one every {PACE_S:g} s each, p50": seen(_p(done.windows, 50), "ms"),
            f"{size.windows} windows, one every {PACE_S:g} s each, p99": at_most(
                _p(done.windows, 99), "ms", P99_MS
            ),
            f"{size.windows} windows without a pause, p99": seen(_p(crowd, 99), "ms"),
            f"{size.windows} windows without a pause": seen(
                len(crowd.samples_ms) / crowd.seconds, "answers/s"
            ),
            "one clerk p50 over floor": at_most(_p(warm, 50) / least_ms, "×", OVER_FLOOR),
            "node's processor an answer": seen(1000 * warm.node_cpu_s / len(warm.samples_ms), "ms"),
        },
        floors={
            "SQLCipher point lookup, p50": floor(floors.lookup, "ms"),
            "durable SQLCipher commit of one row, p50": floor(floors.commit, "ms"),
            "authenticated no-op request (the newest card read), p50": floor(floors.no_op, "ms"),
        },
        bound_by=_bound(warm, floors),
    )


def _bound(warm: Series, floors: Floors) -> str:
    cpu_ms = 1000 * warm.node_cpu_s / len(warm.samples_ms)
    median_ms = _p(warm, 50)
    return (
        f"the node's processor, {cpu_ms:.1f} of {median_ms:.1f} ms ({floors.no_op:.1f} of them HTTP and session), then the"
        f" durable commit, {floors.commit:.1f} ms bare"
    )


def _p(series: Series, percent: float) -> float:
    return percentile(series.samples_ms, percent)


def _rounds(queries: Sequence[bytes], count: int) -> list[bytes]:
    return [queries[number % len(queries)] for number in range(count)]


def _one_clerk(place: Place, desk: Desk, queries: Sequence[bytes], pause_s: float = 0.0) -> Series:
    samples: list[float] = []
    assert place.program is not None
    with using(place.program.process.pid) as node, took() as whole:
        paced(len(queries), pause_s, 0.0, lambda number: samples.append(_cached(desk, queries[number])))
    return Series(samples_ms=samples, seconds=whole.seconds, node_cpu_s=node.seconds)


def _cached(desk: Desk, query: bytes) -> float:
    content, took_ms = desk.ask(query)
    assert json.loads(content)["mode"] == "cached"
    return took_ms


def _windows(
    place: Place, desks: Sequence[Desk], queries: Sequence[bytes], size: Size, *, pause_s: float
) -> Series:
    """Every window asks in its own thread over its own connection; with a pause, each begins at another moment of it."""

    def work(window: int) -> list[float]:
        samples: list[float] = []
        mine = _rounds([*queries[window:], *queries[:window]], size.answers_a_window)
        first_s = pause_s * window / size.windows
        paced(
            len(mine), pause_s, first_s, lambda number: samples.append(_cached(desks[window], mine[number]))
        )
        return samples

    assert place.program is not None
    with using(place.program.process.pid) as node:
        samples, seconds = counter.at_all_windows(work, size.windows)
    return Series(samples_ms=samples, seconds=seconds, node_cpu_s=node.seconds)


def _breaker_opens(desk: Desk, query: bytes) -> None:
    """The first query after the cut waits for the line's deadline; from then on nobody waits."""
    for _ in range(3):
        desk.ask(query)


def _no_op(desk: Desk) -> None:
    status, _, _ = desk.call("GET", NO_OP)
    assert status in NO_OP_STATUS


def _floors(stage: Stage, place: Place, no_op_ms: float, count: int) -> Floors:
    rnd = Random(1)
    held = node_connection(place.data)
    bare = store.bare(stage.folder / "bare-answer.db")
    try:
        keys = held.execute("SELECT shelf, ref FROM subject_cache").fetchall()
        chosen = iter(rnd.choices(keys, k=count))
        lookups = samples_ms(
            lambda: held.execute(
                "SELECT sealed FROM subject_cache WHERE shelf = ? AND ref = ?", next(chosen)
            ).fetchone(),
            count,
        )
        bare.execute("CREATE TABLE entry (idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL)")
        row = bytes(ROW_BYTES)
        commits = samples_ms(lambda: bare.execute("INSERT INTO entry (leaf) VALUES (?)", (row,)), count)
    finally:
        held.close()
        bare.close()
    return Floors(lookup=percentile(lookups, 50), commit=percentile(commits, 50), no_op=no_op_ms)


def _count(place: Place) -> int:
    connection = node_connection(place.data)
    try:
        return int(connection.execute("SELECT count(*) FROM subject_cache").fetchone()[0])
    finally:
        connection.close()
