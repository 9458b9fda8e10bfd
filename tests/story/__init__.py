"""The spine story, played against real processes."""
