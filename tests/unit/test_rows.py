"""The list of rows without a test is read off the names of the tests."""

from pathlib import Path

from tests import rows


def test_a_row_in_a_name_counts_and_every_other_row_is_listed():
    said = rows.report(
        ["test_f031_f032_a_letter_is_needed", "test_g06_no_ledger_no_answer", "test_plain_words_only"]
    )
    assert "rows with a test: 3 of 162" in said
    assert "F rows without a test: 118" in said
    assert "F031" not in said
    assert "G07" in said


def test_a_row_that_does_not_exist_is_told():
    assert "does not exist: F121" in rows.report(["test_f121_of_nothing"])


def test_names_are_read_from_the_files(tmp_path: Path):
    (tmp_path / "test_a.py").write_text(
        "class TestA:\n    def test_f001_of_a_card(self): ...\nasync def test_g01_of_b(): ...\n"
    )
    assert rows.names_of_tests(tmp_path) == ["test_g01_of_b", "test_f001_of_a_card"]
