from central.pages.searches import KEPT_MS, SEARCHES_MAX, Searches


def test_a_result_is_found_by_its_own_session_only():
    searches: Searches[str] = Searches()
    name = searches.keep("one", "found", 0)
    assert searches.find("one", name, 1) == "found"
    assert searches.find("two", name, 1) is None
    assert searches.find("one", "guess", 1) is None


def test_a_result_lapses_after_fifteen_minutes():
    searches: Searches[str] = Searches()
    name = searches.keep("one", "found", 0)
    assert searches.find("one", name, KEPT_MS) == "found"
    assert searches.find("one", name, KEPT_MS + 1) is None


def test_the_oldest_result_makes_room_for_the_newest():
    searches: Searches[int] = Searches()
    names = [searches.keep("one", number, 0) for number in range(SEARCHES_MAX + 1)]
    assert searches.find("one", names[0], 0) is None
    assert searches.find("one", names[-1], 0) == SEARCHES_MAX


def test_names_cannot_be_guessed_from_each_other():
    searches: Searches[int] = Searches()
    names = {searches.keep("one", number, 0) for number in range(64)}
    assert len(names) == 64
    assert all(len(name) >= 20 for name in names)
