"""The batch file: sealed entries and acknowledgements, the same bytes for every carrier."""
