"""Bytes on a wire are understood."""
