"""A program that takes pictures with a camera, one a line on standard input, and says what came of each.

python -m tests.rig.shooting ADDRESS        {"said": "Shim camera …"}  {"picture": SHA-256}  {"error": CODE}
"""

import asyncio
import hashlib
import json
import sys

from drivers.errors import DriverError
from drivers.registry import open_device

OPEN = "open\n"


async def main(address: str) -> None:
    camera = open_device("document_camera", address)
    for order in sys.stdin:
        try:
            if order == OPEN:
                await camera.open()
                said = {"said": (await camera.describe()).en}
            else:
                said = {"picture": hashlib.sha256(await camera.picture(float(order))).hexdigest()}
        except DriverError as error:
            said = {"error": error.code}
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
