"""Who may do what the rules refuse to others: each row has its reason; a row nothing uses fails a test.

A place is written `path::function` (`path::Class.method`), as fnmatch patterns.
"""

# Rule 5: only named supervisors catch `Exception`; they keep one failed part from ending the whole.
SUPERVISORS = {
    "edge/hall/owner.py::Owner.run": "device hall: one driver's bug must not end the hall; shown as a fault",
    "edge/store/writer.py::Writer._one": "one request's error goes to the caller that waits for it",
    "edge/store/writer.py::Writer._serve": "a bug in the commit is told to every caller, and the store stops",
    "central/schedule.py::guarded": "a bug in one job must not end the others",
    "edge/schedule.py::_guarded": "a bug in one job must not end the others",
    "edge/schedule.py::_one_exchange": "the exchange must never stop trying (P8)",
    "tests/story/play.py::_one": "whatever broke is the step's result",
}

# Rule 11: `while True` without a timeout in it; the reason names who ends the loop.
ENDLESS = {
    "central/actions/import_rows.py::*._csv_rows": "ends with the file, whose size is limited",
    "edge/store/keyring.py::_nonces": "a generator: it runs only as far as its caller asks for the next one",
    "edge/schedule.py::exchange_loop": "each turn waits with a limit; the app's lifespan cancels it",
    "edge/store/writer.py::Writer._run": "the writer's thread; Store.close puts the last request and joins",
    "edge/store/writer.py::Writer._gather": "ends at GROUP_MAX or an empty queue",
}

# Rule 11: tasks started outside a TaskGroup; the reason names who cancels and awaits them.
TASK_OWNERS = {
    "central/actions/records.py::_all": "one chunk ahead; awaited by the next turn of the same loop",
    "tests/contract/edge/test_hall.py::*": "every test ends its hall with ended(), which cancels and awaits",
    "tests/story/line.py::*._both": "both halves are cancelled and awaited when one ends",
}

# Rule 11: waits whose limit stands elsewhere.
LIMITED_ELSEWHERE: dict[str, str] = {}

# Rule 7: established names of the trade that contain a refused word.
NAMES = {
    "receipt_printer": "a device's established name (80 mm receipt printer)",
    "receiptprinter": "a device's established name (80 mm receipt printer)",
}
