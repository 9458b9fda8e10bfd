"""Chip cards of organisations, read by a map that the hall supplies."""
