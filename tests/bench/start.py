"""start: from starting the process to the first answer, and idle memory, against a bare Litestar application."""

import json

from tests.bench import counter
from tests.bench.desk import own_query
from tests.bench.figures import Outcome, at_most, floor, seen
from tests.bench.machine import tree_mib
from tests.bench.sizes import Size
from tests.bench.stage import Stage
from tests.bench.timing import paced, percentile, took
from tests.story.programs import Program, free_port
from tests.story.world import Place

ANSWER_S = 3
NODE_MIB = 150
CENTRE_MIB = 220
SETTLE_S = 3.0


def run(stage: Stage, size: Size) -> Outcome:
    """The hall with its county in the cache is started several times, with the line up and with the line hanging."""
    place = stage.equipped
    person = counter.citizens(stage, 1)[0]
    ready: list[float] = []
    online = [_first_answer(stage, place, person, "online", ready) for _ in range(size.starts)]
    place.line.stall()
    cached = [_first_answer(stage, place, person, "cached", ready) for _ in range(size.starts)]
    place.line.restore()
    node_mib = _idle_mib(stage, place)
    bare_s, bare_mib = _bare(stage)
    centre_mib = tree_mib(stage.centre.process.pid)
    first_s, ready_s = percentile(online, 50), percentile(ready, 50)
    return Outcome(
        figures={
            "process start to first answer, line up": at_most(first_s, "s", ANSWER_S),
            "process start to first answer, line hanging": at_most(percentile(cached, 50), "s", ANSWER_S),
            "process start to the port open": seen(ready_s, "s"),
            "idle memory of the node": at_most(node_mib, "MiB", NODE_MIB),
            "idle memory of the centre, without PostgreSQL": at_most(centre_mib, "MiB", CENTRE_MIB),
            "port open over floor": seen(ready_s / bare_s, "×"),
        },
        floors={
            "bare Litestar under uvicorn, process start to port open": floor(bare_s, "s"),
            "bare Litestar, idle memory": floor(bare_mib, "MiB"),
        },
        bound_by=f"the process until its port is open, {ready_s:.2f} of {first_s:.2f} s; the rest is sign-in, card and query",
    )


def _first_answer(stage: Stage, place: Place, person: dict[str, str], mode: str, ready: list[float]) -> float:
    """Seconds from starting the process to the answer of a clerk who signs in, lays a card and asks as soon as possible."""
    with took() as whole:
        with took() as opened:
            place.serve()
        ready.append(opened.seconds)
        read = counter.read_ids(stage, place, [person])[0]
        reply = place.clerk.http.post("/api/answers", content=own_query(read)).raise_for_status()
    assert place.program is not None
    place.program.stop()
    assert json.loads(reply.content)["mode"] == mode
    return whole.seconds


def _idle_mib(stage: Stage, place: Place) -> float:
    """The node with a clerk signed in, some seconds after the last thing happened; with its child processes."""
    place.serve()
    assert place.program is not None
    counter.desk_at(stage, place, 1)
    found: list[float] = []
    paced(2, SETTLE_S, 0.0, lambda _: found.append(tree_mib(place.program.process.pid)))  # type: ignore[union-attr]
    place.program.stop()
    return found[-1]


def _bare(stage: Stage) -> tuple[float, float]:
    """Seconds to the open port and idle memory of the bare application, best of three."""
    times, sizes = [], []
    for number in range(3):
        port = free_port()
        with took() as one:
            bare = Program("bare", ["tests.bench.bare_app", str(port)], stage.folder / f"bare-{number}.log")
            bare.wait_for(f"http://127.0.0.1:{port}/livez")
        times.append(one.seconds)
        sizes.append(tree_mib(bare.process.pid))
        bare.stop()
    return min(times), min(sizes)
