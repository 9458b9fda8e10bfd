"""One town a test session."""

from collections.abc import Iterator

import pytest

from tests.contract.interfaces.town import Town


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A centre that serves and a hall enrolled with it, exchanged once; the hall does not serve yet."""
    made = Town(tmp_path_factory.mktemp("town"))
    try:
        made.found()
        made.open_centre()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def open_town(town: Town) -> Town:
    """The same town with the hall serving and a reader plugged in."""
    town.open_hall()
    return town
