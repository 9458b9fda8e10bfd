"""A rule is right, and says no rightly."""
