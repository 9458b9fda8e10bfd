"""A bare Litestar application under uvicorn: the floor of a start and of idle memory. Argument: its port."""

import sys

import uvicorn
from litestar import Litestar, get


@get("/livez")
async def livez() -> str:
    """It answers."""
    return "ok"


if __name__ == "__main__":
    uvicorn.run(Litestar([livez]), host="127.0.0.1", port=int(sys.argv[1]), log_config=None, access_log=False)
