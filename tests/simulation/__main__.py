"""`python -m tests.simulation --seeds N [--first S] [--trace]`: play seeds in this process and print the table of faults."""

import argparse
import asyncio
import time
from collections import Counter

from tests.simulation import rules, section12
from tests.simulation.faults import Coverage, never, table
from tests.simulation.place import memory_folder, open_place
from tests.simulation.play import play


async def _play(first: int, count: int, *, trace: bool) -> int:
    coverage: Coverage = Counter()
    broken: list[int] = []
    with memory_folder() as folder:
        async with open_place(folder) as place:
            begun = time.monotonic()
            for seed in range(first, first + count):
                played = await play(seed, place)
                coverage += played.coverage
                if trace:
                    print("\n".join([f"seed {seed}", *played.trace]))
                if played.offence is not None:
                    broken.append(seed)
                    print("\n".join([str(played.offence), *played.offence.__notes__]))
            spent_s = time.monotonic() - begun
    print(table(coverage, count))
    print(
        f"\n{spent_s / count:.2f} s a seed; never injected: {never(coverage) or 'none'}; broken: {broken or 'none'}"
    )
    return 1 if broken else 0


def main() -> int:
    """Read the arguments and play."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=25)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--rules", action="store_true", help="print the table of ablations and play nothing")
    parser.add_argument("--section12", action="store_true", help="print what shows each fault of section 12")
    options = parser.parse_args()
    if options.section12:
        print(section12.table())
        return 0
    if options.rules:
        print(rules.table())
        return 0
    return asyncio.run(_play(options.first, options.seeds, trace=options.trace))


if __name__ == "__main__":
    raise SystemExit(main())
