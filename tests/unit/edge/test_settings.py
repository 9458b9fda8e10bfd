"""Settings: what is impossible refuses to start and names the line."""

from pathlib import Path

import pytest

from edge.errors import SettingsInvalid
from edge.settings import FILE, Settings, first_text, load, parse


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


def test_the_first_text_says_what_it_was_given_and_no_file_means_defaults(tmp_path: Path) -> None:
    first = parse(first_text(centre="http://a", hall='清河"县', region="330102", kind="hall"))
    assert (first.centre, first.hall, first.region, first.kind) == ("http://a", '清河"县', "330102", "hall")
    assert load(tmp_path / "nowhere") == Settings()


def test_a_file_that_is_not_utf_8_is_refused_with_the_byte(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b'hall = "\xc7\xe5\xba\xd3"\n')
    with pytest.raises(SettingsInvalid) as caught:
        load(tmp_path)
    assert "byte 8" in str(caught.value)
