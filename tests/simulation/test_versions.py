"""A schema step that was killed half-way is done by the next start."""

import shutil
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from edge.store import cipher, migrate, slots
from edge.store.store import FILE

pytestmark = pytest.mark.simulation


def open_new(folder: Path) -> Any:
    """A database without any table yet."""
    return cipher.connect(folder / FILE, slots.create(folder, 0), writer=True)


def schema(connection: Any) -> list[tuple[str, str]]:
    """Every table and index, as they were made."""
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
    return [(str(name), str(sql)) for name, sql in found]


class Counted:
    """Counts what a database does, ten operations at a time, and keeps the disk as it is at the `kept`th."""

    def __init__(self, folder: Path, image: Path, kept: int = -1) -> None:
        self.count = 0
        self._folder, self._image, self._kept = folder, image, kept

    def __call__(self) -> int:
        self.count += 1
        if self.count == self._kept:
            shutil.copytree(self._folder, self._image)
        return 0


@pytest.mark.parametrize("share", [0.02, 0.2, 0.4, 0.6, 0.8, 0.97])
def test_a_migration_killed_anywhere_leaves_a_step_before_and_the_next_start_ends_it(
    tmp_path: Path, share: float
):
    whole, killed, image = (tmp_path / name for name in ("whole", "killed", "image"))
    whole.mkdir()
    killed.mkdir()
    counted = Counted(whole, image)
    with closing(open_new(whole)) as connection:
        connection.set_progress_handler(counted, 10)
        newest, whole_count = migrate.migrate(connection), counted.count
        wanted = schema(connection)
    with closing(open_new(killed)) as connection:
        connection.set_progress_handler(Counted(killed, image, int(share * whole_count) + 1), 10)
        migrate.migrate(connection)
    with closing(cipher.connect(image / FILE, slots.unlock(image), writer=True)) as again:
        assert again.execute("PRAGMA user_version").fetchone()[0] < newest
        assert migrate.migrate(again) == newest
        assert schema(again) == wanted
