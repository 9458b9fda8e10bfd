"""Every bench, one row each."""

from collections.abc import Callable

import msgspec

from tests.bench import (
    answer,
    append,
    devices,
    downlink,
    importing,
    ingest,
    recount,
    report,
    screen,
    start,
    thin,
    uplink,
    verify,
)
from tests.bench.figures import Outcome
from tests.bench.sizes import Size
from tests.bench.stage import Stage


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """One bench: its id in quality.md, and what runs it."""

    id: str
    run: Callable[[Stage, Size], Outcome]


# Those that need the stage stand first, in the order in which it grows.
BENCHES: tuple[Bench, ...] = (
    Bench(id="import", run=importing.run),
    Bench(id="downlink", run=downlink.run),
    Bench(id="start", run=start.run),
    Bench(id="answer", run=answer.run),
    Bench(id="uplink", run=uplink.run),
    Bench(id="ingest", run=ingest.run),
    Bench(id="thin", run=thin.run),
    Bench(id="card", run=screen.card),
    Bench(id="screen", run=screen.run),
    Bench(id="append", run=append.run),
    Bench(id="verify", run=verify.run),
    Bench(id="recount", run=recount.run),
    Bench(id="report", run=report.run),
    Bench(id="devices", run=devices.run),
)
