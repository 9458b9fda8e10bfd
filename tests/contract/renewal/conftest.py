"""One PostgreSQL a session; a centre, and a hall of it with people and clerks, a test."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.contract.central.stage import Server, founded, served
from tests.contract.renewal.place import Place


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="yizhan-renewal-") as folder, served(Path(folder)) as running:
        yield running


@pytest_asyncio.fixture
async def place(server: Server, tmp_path: Path) -> AsyncIterator[Place]:
    async with founded(server, tmp_path / "centre") as stage:
        made = Place(stage, tmp_path)
        await made.open()
        try:
            yield made
        finally:
            await made.close()
