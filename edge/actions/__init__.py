"""The use cases of a hall, one verb a file; page, API, schedule and command line call nothing else."""
