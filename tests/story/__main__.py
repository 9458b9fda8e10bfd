"""`make demo`: play the outage story, print what happened, leave the pages running until Ctrl-C (or --once)."""

import argparse
import signal
import sys
from pathlib import Path

from rich.console import Console

from tests.story.memory import Memory
from tests.story.play import run, summary
from tests.story.world import World

FOLDER = Path("build/demo")


def main() -> int:
    """Return 0 when every step held, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="exit after the story")
    parser.add_argument("--people", type=int, default=25_000, help="residents in each of the two counties")
    asked = parser.parse_args()
    out = Console(stderr=False)
    story, world, memory = run(FOLDER, asked.people, out)
    try:
        out.print(summary(story))
        out.print(
            f"{FOLDER / 'story.json'}: {'成立 holds' if story.holds else '未成立 does not hold'}, {story.elapsed_s} s"
        )
        if story.holds and not asked.once:
            _stay(world, memory, out)
    finally:
        world.close()
    return 0 if story.holds else 1


def _stay(world: World, memory: Memory, out: Console) -> None:
    """Print the addresses and accounts, wait for Ctrl-C."""
    out.print(
        f"\n窗口 window  {world.hall.url}   流动车 bus  {world.bus.url}   中心 console  {world.centre_url}"
    )
    for name, password in (*world.passwords.items(), *memory.administrators.items()):
        out.print(f"  {name:10s} {password}", highlight=False)
    out.print("Ctrl-C 结束 to end")
    signal.sigwait({signal.SIGINT, signal.SIGTERM})


if __name__ == "__main__":
    sys.exit(main())
