import pytest

from central.pages import vocabulary


@pytest.mark.parametrize("table", vocabulary.TABLES)
def test_every_code_has_words_in_both_languages(table: str):
    for code, words in vocabulary.TABLES[table].items():
        assert words.zh.strip(), code
        assert words.en.strip(), code
        assert words.en.isascii(), code


def test_an_unknown_code_is_shown_as_it_came():
    assert vocabulary.word("mode", "semaphore", "zh-CN") == "semaphore"
    assert vocabulary.word("clock", 2, "en") == "clock not trusted"


def test_a_word_of_either_language_finds_its_code():
    assert vocabulary.code_of("mode", "离线缓存") == "cached"
    assert vocabulary.code_of("mode", "Offline, from cache") == "cached"
    assert vocabulary.code_of("mode", "") is None


def test_what_is_wrong_wears_the_seal_and_what_is_unknown_wears_nothing():
    assert vocabulary.tone("broken") == "official"
    assert vocabulary.tone("semaphore") == ""
