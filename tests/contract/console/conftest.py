"""One centre for the whole module: starting PostgreSQL is the slow part."""

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.contract.console import stage


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def scene() -> AsyncIterator[stage.Stage]:
    with tempfile.TemporaryDirectory(prefix="yizhan-console-") as folder:
        async with stage.staged(Path(folder)) as made:
            yield made
