"""One PostgreSQL a session, one database a test."""

import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.contract.central.stage import Server, Stage, founded, served


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory(prefix="yizhan-console-") as folder, served(Path(folder)) as running:
        yield running


@pytest_asyncio.fixture
async def scene(server: Server, tmp_path: Path) -> AsyncIterator[Stage]:
    async with founded(server, tmp_path) as made:
        yield made
