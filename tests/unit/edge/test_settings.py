"""Settings: what is impossible refuses to start and names the line."""

from pathlib import Path

import pytest

from edge.errors import SettingsInvalid
from edge.settings import Settings, load, parse, write_default


def test_a_settings_file_with_an_unknown_key_is_refused_with_its_line() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        parse('port = 8330\nanswer_deadline = 3\nhall = "x"\n')
    assert caught.value.line == 2
    assert "answer_deadline" in caught.value.message.zh
    assert caught.value.exit_code == 2


def test_an_unknown_key_of_a_device_is_refused_with_its_line() -> None:
    text = '[[devices]]\nname = "r"\nkind = "id_reader"\naddress = "serial:/dev/x"\nbaud = 9600\n'
    with pytest.raises(SettingsInvalid) as caught:
        parse(text)
    assert caught.value.line == 5


def test_a_value_of_another_type_is_refused_with_its_line() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        parse('hall = "x"\nport = "eighty"\n')
    assert caught.value.line == 2


def test_a_broken_file_is_refused_with_its_line() -> None:
    with pytest.raises(SettingsInvalid) as caught:
        parse('hall = "x"\nport = = 3\n')
    assert caught.value.line == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("windows = []\n", 1),
        ('centre = "ftp://x"\n', 1),
        ('windows = ["1"]\n[[devices]]\nname = "r"\nkind = "id_reader"\naddress = "a"\nwindow = "9"\n', 3),
    ],
)
def test_an_impossible_combination_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        parse(text)
    assert caught.value.line == line


def test_the_default_file_is_written_once_and_reads_back(tmp_path: Path) -> None:
    write_default(tmp_path, centre="http://a", hall='清河"县', region="330102", kind="hall")
    write_default(tmp_path, centre="http://b", hall="other", region="330104", kind="bus")
    assert (load(tmp_path).centre, load(tmp_path).hall) == ("http://a", '清河"县')
    assert load(tmp_path / "nowhere") == Settings()
