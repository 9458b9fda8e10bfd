"""One ground a session."""

from collections.abc import Iterator

import pytest

from tests.faults.ground import Ground
from tests.faults.nursery import Nursery
from tests.simulation.place import memory_folder


@pytest.fixture(scope="session")
def ground() -> Iterator[Ground]:
    """A centre that serves and a hall's folder, enrolled and filled; the hall does not serve yet."""
    with memory_folder() as folder:
        made = Ground(folder)
        try:
            made.lay_out()
            yield made
        finally:
            made.close()


@pytest.fixture(scope="session")
def nursery(ground: Ground) -> Iterator[Nursery]:
    """Where nodes are forked from."""
    made = Nursery(ground.folder)
    yield made
    made.close()
