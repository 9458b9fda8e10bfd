"""The checks of `test_tidy.py`: pure functions from a path and its text to the offences found."""
