"""`python -m tests.simulation --seeds N [--first S] [--trace | --twice]`: play seeds in this process and print the table of faults."""

import argparse
import asyncio
import time
from collections import Counter
from pathlib import Path

import uvloop

from tests.simulation import rules, section12
from tests.simulation.faults import BY_NAME, Coverage, never, table
from tests.simulation.place import memory_folder, open_place
from tests.simulation.play import play

CHAPTER = Path(__file__).parents[2] / "sync" / "README.md"
COLUMNS = 7
"""Bars in a line of the table."""


async def _twice(first: int, count: int) -> int:
    """Play each seed twice; how many were the same world to the length of every request."""
    alike = 0
    with memory_folder() as folder:
        async with open_place(folder) as place:
            for seed in range(first, first + count):
                one, other = await play(seed, place), await play(seed, place)
                alike += one.trace == other.trace
    print(f"{alike} of {count} seeds were the same world twice")
    return 0


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


def adopt(output: str) -> None:
    """The table of a run takes the place of the chapter's; ValueError where a fault of today is not in it."""
    found = _rows(output)
    if never(Counter({(name, ""): 1 for name in found})):
        raise ValueError("the output holds no table of today's faults")
    text = CHAPTER.read_text("utf-8")
    before = _rows(text)
    begins, ends = text.index(next(iter(before.values()))), text.index(list(before.values())[-1])
    ends += len(list(before.values())[-1])
    CHAPTER.write_text(text[:begins] + "\n".join(found.values()) + text[ends:], "utf-8")


def _rows(text: str) -> dict[str, str]:
    """The lines of a table of faults, by fault."""
    lines = [line for line in text.splitlines() if line.count("|") == COLUMNS]
    return {name: line for line in lines if (name := line.split("|")[1].strip()) in BY_NAME}


def main() -> int:
    """Read the arguments and play."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=25)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--rules", action="store_true", help="print the table of ablations and play nothing")
    parser.add_argument("--section12", action="store_true", help="print what shows each fault of section 12")
    parser.add_argument(
        "--adopt", type=Path, help="put the table of faults of a run's output into sync/README.md"
    )
    parser.add_argument("--twice", action="store_true", help="play each seed twice and compare")
    options = parser.parse_args()
    if options.adopt:
        adopt(options.adopt.read_text("utf-8"))
        return 0
    if options.section12:
        print(section12.table())
        return 0
    if options.rules:
        print(rules.table())
        return 0
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        if options.twice:
            return runner.run(_twice(options.first, options.seeds))
        return runner.run(_play(options.first, options.seeds, trace=options.trace))


if __name__ == "__main__":
    raise SystemExit(main())
