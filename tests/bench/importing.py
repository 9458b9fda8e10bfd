"""import: a county's file of people, organisations and records through the centre's own command."""

import asyncio
import csv

import asyncpg

from tests.bench.figures import Outcome, at_most, floor, seen
from tests.bench.sizes import Size
from tests.bench.stage import Stage
from tests.bench.timing import took
from tests.story.outside import centre_dsn

MEMORY_MIB = 220
COLUMNS_MAX = 64


def run(stage: Stage, _: Size) -> Outcome:
    """The import itself happens when the stage is built; the floor is a COPY of the same cells, unchecked and plain."""
    done = stage.imported
    assert stage.centre.process.poll() is None  # its database runs
    copied_s = asyncio.run(_copy(stage))
    own = done.cpu_s / done.seconds
    return Outcome(
        figures={
            "rows": seen(done.rows, "rows"),
            "rows a second, start of the command included": seen(done.rows / done.seconds, "rows/s"),
            "peak memory of the importer": at_most(done.peak_mib, "MiB", MEMORY_MIB),
            "time over floor": seen(done.seconds / copied_s, "×"),
        },
        floors={"COPY of the same cells into a plain table": floor(done.rows / copied_s, "rows/s")},
        bound_by=f"the importer's own processor time (parse, judge, seal): {own:.0%} of the elapsed time",
    )


async def _copy(stage: Stage) -> float:
    """Seconds to COPY the file's cells as text into a table without index, committed."""
    with stage.file.open(encoding="utf-8", newline="") as lines:
        head, *rows = csv.reader(lines)
    assert 0 < len(head) <= COLUMNS_MAX
    columns = ", ".join(f'"{name}" text' for name in head)
    connection = await asyncpg.connect(centre_dsn(stage.world.centre_data))
    try:
        await connection.execute(f"CREATE TABLE bench_cells ({columns})")
        with took() as whole:
            await connection.copy_records_to_table("bench_cells", records=[tuple(row) for row in rows])
        await connection.execute("DROP TABLE bench_cells")
    finally:
        await connection.close()
    return whole.seconds
