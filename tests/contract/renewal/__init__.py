"""A real node and a real centre: histories that end, backups that come back, files that follow."""
