"""The console: pages of the three administrators and the public page that verifies a report."""
