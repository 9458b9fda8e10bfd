"""`make bench`: take the figures of quality.md, one bench or all; `--small` tries them out and writes nothing."""

import argparse
import contextlib
import logging
import signal
import sys
from collections.abc import Iterable, Iterator

import msgspec
import structlog
from rich.console import Console
from rich.table import Table

from tests.bench import machine
from tests.bench.figures import Outcome, Result, shown, write
from tests.bench.sizes import Size
from tests.bench.stage import Stage
from tests.bench.table import BENCHES, Bench
from tests.bench.timing import took

BENCH_S = 600
"""No bench runs longer, whatever the machine does; on a quiet one each takes under two minutes."""
FAR_A_SECOND = 5_000
"""Only a ledger of `far` entries takes longer: it is lengthened faster than this."""


def main() -> int:
    """Return 0 when every chosen bench ran; whether its limits hold stands in its result."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("name", nargs="?", default="all", choices=["all", *(one.id for one in BENCHES)])
    parser.add_argument("--small", action="store_true", help="small sizes, nothing written")
    parser.add_argument(
        "--with",
        dest="counts",
        action="append",
        type=_count,
        default=[],
        metavar="COUNT=NUMBER",
        help="another count of sizes.py, nothing written",
    )
    asked = parser.parse_args()
    size = Size.small() if asked.small else Size()
    size = msgspec.structs.replace(size, **dict(asked.counts))
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR)
    )  # of the node in this process
    chosen = [one for one in BENCHES if asked.name in {"all", one.id}]
    for _ in run(chosen, size, out=Console()):
        pass
    return 0


def _count(said: str) -> tuple[str, int]:
    name, number = said.split("=")
    return name, int(number)


@contextlib.contextmanager
def bounded(seconds: int) -> Iterator[None]:
    """End the block with TimeoutError after `seconds`, and at SIGTERM, so that the stage always cleans up."""

    def stop(number: int, _: object) -> None:
        raise TimeoutError(f"over {seconds} s" if number == signal.SIGALRM else "told to stop (SIGTERM)")

    signal.signal(signal.SIGALRM, stop)
    signal.signal(signal.SIGTERM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)


def run(chosen: Iterable[Bench], size: Size, *, out: Console) -> Iterable[Result]:
    """Run benches one after the other on one stage; a result of the real size is written as soon as it is there."""
    with Stage(size) as stage:
        for bench in chosen:
            here = machine.this()
            with bounded(BENCH_S + size.far // FAR_A_SECOND), took() as whole:
                outcome = bench.run(stage, size)
            result = _result(bench.id, here, outcome)
            if size == Size():
                write(result)
            out.print(summary(result, whole.seconds))
            yield result


def _result(name: str, here: machine.Machine, outcome: Outcome) -> Result:
    return Result(
        id=name,
        machine=here,
        commit=machine.commit(),
        figures=outcome.figures,
        floors=outcome.floors,
        peers=outcome.peers,
        bound_by=outcome.bound_by,
    )


def summary(result: Result, seconds: float) -> Table:
    """What a person reads while the benches run."""
    drawn = Table(title=f"{result.id} ({seconds:.0f} s)", caption=result.bound_by, min_width=80)
    for heading in ("figure", "value", "unit", "limit", ""):
        drawn.add_column(heading, justify="right" if heading == "value" else "left")
    for name, one in result.figures.items():
        verdict = "" if one.limit is None else "holds" if one.holds else "[red]does not hold[/]"
        drawn.add_row(name, shown(one.value), one.unit, one.limit or "", verdict)
    for what, rows in (("floor", result.floors), ("peer", result.peers)):
        for name, beside in rows.items():
            drawn.add_row(f"[dim]{what}: {name}[/]", shown(beside.value), beside.unit, "", "")
    return drawn


if __name__ == "__main__":
    sys.exit(main())
