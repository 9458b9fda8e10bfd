"""The use cases of the centre, one verb a file; page, API, schedule and command line share them."""
