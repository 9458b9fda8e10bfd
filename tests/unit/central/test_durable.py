"""Files of the centre are whole or not there, on its disk as on a stick."""

from pathlib import Path

import pytest

from central.errors import Trouble
from central.store.durable import has_room, write_durably


def test_a_file_replaces_the_older_one_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "made" / "recount-330102.tiles"
    for content in (b"older", b"newer"):
        write_durably(path, content)
        assert path.read_bytes() == content
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_what_the_medium_does_not_take_is_trouble_and_the_older_file_stands(tmp_path: Path) -> None:
    path = tmp_path / "recount-330102.yzb"
    write_durably(path, b"older")
    (tmp_path / "recount-330102.yzb.part").symlink_to("/dev/full")
    with pytest.raises(Trouble, match="cannot write"):
        write_durably(path, b"newer")
    assert path.read_bytes() == b"older"


def test_a_folder_that_is_a_file_is_trouble_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "usb").write_bytes(b"")
    with pytest.raises(Trouble, match="batch"):
        write_durably(tmp_path / "usb" / "batch.yzb", b"content")


def test_what_does_not_fit_is_said_before_anything_is_written(tmp_path: Path) -> None:
    has_room(tmp_path / "usb" / "not made yet", 1)
    with pytest.raises(Trouble, match="no room") as caught:
        has_room(tmp_path / "usb", 1 << 60)
    assert "介质放不下" in caught.value.words.zh
