"""A program that opens an ID reader and reads a card, to be killed in the middle of that.

python -m tests.rig.reading_alone ADDRESS
"""

import asyncio
import sys

from drivers.registry import open_device


async def main(address: str) -> None:
    reader = open_device("id_reader", address)
    await reader.open()
    print("open", flush=True)
    await reader.read_card(30.0)
    print("read", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
