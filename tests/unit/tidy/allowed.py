"""Who may do what the rules refuse to others: each row has its reason; a row nothing uses fails a test.

A place is written `path::function` (`path::Class.method`), as fnmatch patterns.
"""

# Rule 5: only named supervisors catch `Exception`; they keep one failed part from ending the whole.
SUPERVISORS: dict[str, str] = {}

# Rule 11: `while True` without a timeout in it; the reason names who ends the loop.
ENDLESS: dict[str, str] = {}

# Rule 11: tasks started outside a TaskGroup; the reason names who cancels and awaits them.
TASK_OWNERS: dict[str, str] = {}

# Rule 11: waits whose limit stands elsewhere.
LIMITED_ELSEWHERE: dict[str, str] = {}

# Rule 7: established names of the trade that contain a refused word.
NAMES = {
    "receipt_printer": "a device's established name (80 mm receipt printer)",
    "receiptprinter": "a device's established name (80 mm receipt printer)",
}

# Rule 8: modules beside handlers that hold no handler of their own are found by the check itself.
